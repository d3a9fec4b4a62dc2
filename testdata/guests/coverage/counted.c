// A service whose status says which way a request went. At the end of each line that has code stands
// what the requests /high, /low and /trap make of it: + it runs, - it does not, and behind that how
// many of the ways of its branches are taken. -O0, so that the code of a line stays together.

typedef __INT32_TYPE__ i32;
typedef __INT64_TYPE__ i64;

#define HTTP(name) __attribute__((import_module("wasi:http/types@0.2.12"), import_name(name)))
HTTP("[method]incoming-request.path-with-query") void path_with_query(i32 request, i32 *option);
HTTP("[constructor]fields") i32 new_fields(void);
HTTP("[constructor]outgoing-response") i32 new_response(i32 fields);
HTTP("[method]outgoing-response.set-status-code") i32 set_status(i32 response, i32 code);
HTTP("[static]response-outparam.set")
void set_response(i32 out, i32 failed, i32 response, i32, i64, i32, i32, i32, i32);

static char heap[4096];
static i32 used;

__attribute__((export_name("cabi_realloc")))
void *allocate(void *old, i32 size, i32 align, i32 now) { //+
  char *at = heap + used; //+
  used += (now + 7) & -8; //+
  return at; //+
}

static i32 never(i32 x) { //-
  if (x > 3) { //- 0/2
    return 7; //-
  }
  return x + 1; //-
} //-

static i32 sum(i32 from, i32 to) { //+
  i32 all = 0; //+
  for (i32 i = from; i <= to; i++) { //+ 2/2
    if (i == 1000) { //+ 1/2
      all = never(all); //-
    }
    all += i; //+
  }
  return all; //+
}

static i32 ask(i32 letter) { //+
  switch (letter) { //+ 3/5
  case 'h':
    return 200 + sum(1, 2); //+
  case 'l':
    return 200 + sum(1, 1); //+
  case 't':
    __builtin_trap(); //+
  case 's':
    for (;;) //-
      used ^= 8; //-
  }
  return 404; //-
} //+

static i32 twice(i32 letter) { //+
  i32 first = ask(letter); //+
  return first; //+
}

__attribute__((export_name("wasi:http/incoming-handler@0.2.12#handle")))
void handle(i32 request, i32 out) { //+
  i32 path[3];
  path_with_query(request, path); //+
  i32 status = 500; //+
  if (path[0] == 1 && path[2] > 1) { //+ 2/4
    status = twice(((char *)path[1])[1]); //+
  }
  i32 response = new_response(new_fields()); //+
  set_status(response, status); //+
  set_response(out, 0, response, 0, 0, 0, 0, 0, 0); //+
} //+

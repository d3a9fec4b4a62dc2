// WASI 0.2 guest in C: every route drives one part of a wasi:http host.
#include "proxy.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned count;

static const char *const METHODS[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};

typedef wasi_http_types_own_response_outparam_t outparam;

typedef struct {
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_own_output_stream_t stream;
} reply;

// Sends the head; the body follows with put() and close_reply().
static reply open_reply(outparam out, uint16_t status, const char *kind) {
  wasi_http_types_own_fields_t fields = wasi_http_types_constructor_fields();
  proxy_string_t name = {(uint8_t *)"content-type", 12};
  wasi_http_types_field_value_t value = {(uint8_t *)kind, strlen(kind)};
  wasi_http_types_header_error_t bad;
  wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &name, &value, &bad);
  wasi_http_types_own_outgoing_response_t response = wasi_http_types_constructor_outgoing_response(fields);
  wasi_http_types_borrow_outgoing_response_t borrowed = wasi_http_types_borrow_outgoing_response(response);
  wasi_http_types_method_outgoing_response_set_status_code(borrowed, status);
  reply r;
  wasi_http_types_method_outgoing_response_body(borrowed, &r.body);
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false, .val.ok = response};
  wasi_http_types_static_response_outparam_set(out, &result);
  wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(r.body), &r.stream);
  return r;
}

static bool put(reply *r, const uint8_t *data, size_t len) {
  while (len > 0) {
    proxy_list_u8_t part = {(uint8_t *)data, len < 4096 ? len : 4096};
    wasi_io_streams_stream_error_t bad;
    if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(r->stream), &part, &bad))
      return false;
    data += part.len;
    len -= part.len;
  }
  return true;
}

static void close_reply(reply *r) {
  wasi_io_streams_output_stream_drop_own(r->stream);
  wasi_http_types_error_code_t bad;
  wasi_http_types_static_outgoing_body_finish(r->body, NULL, &bad);
}

__attribute__((format(printf, 4, 5))) static void answer(outparam out, uint16_t status, const char *kind, const char *format, ...) {
  char *text;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  reply r = open_reply(out, status, kind);
  put(&r, (uint8_t *)text, n);
  close_reply(&r);
  free(text);
}

#define TEXT "text/plain; charset=utf-8"

static void relay(reply *r, wasi_http_types_own_incoming_body_t body) {
  wasi_http_types_own_input_stream_t in;
  wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body), &in);
  for (;;) {
    proxy_list_u8_t chunk;
    wasi_io_streams_stream_error_t bad;
    if (!wasi_io_streams_method_input_stream_blocking_read(wasi_io_streams_borrow_input_stream(in), 65536, &chunk, &bad)) {
      wasi_io_streams_stream_error_free(&bad);
      break;
    }
    put(r, chunk.ptr, chunk.len);
    proxy_list_u8_free(&chunk);
  }
  wasi_io_streams_input_stream_drop_own(in);
  wasi_http_types_incoming_body_drop_own(body);
}

// The value of a query parameter, decoded into buf; fallback when absent.
static const char *param(const char *query, const char *name, const char *fallback, char *buf, size_t size) {
  size_t n = strlen(name), o = 0;
  for (const char *p = query; p && *p; p = strchr(p, '&') ? strchr(p, '&') + 1 : NULL) {
    if (strncmp(p, name, n) != 0 || p[n] != '=') continue;
    for (p += n + 1; *p && *p != '&' && o + 1 < size; p++) {
      unsigned byte;
      if (*p == '%' && sscanf(p + 1, "%2x", &byte) == 1) {
        buf[o++] = (char)byte;
        p += 2;
      } else {
        buf[o++] = *p;
      }
    }
    buf[o] = 0;
    return buf;
  }
  return fallback;
}

static void fetch(outparam out, const char *url) {
  uint8_t scheme_tag = strncmp(url, "https:", 6) == 0 ? WASI_HTTP_TYPES_SCHEME_HTTPS : WASI_HTTP_TYPES_SCHEME_HTTP;
  const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;
  const char *path = strchr(host, '/') ? strchr(host, '/') : host + strlen(host);
  wasi_http_types_own_outgoing_request_t request = wasi_http_types_constructor_outgoing_request(wasi_http_types_constructor_fields());
  wasi_http_types_borrow_outgoing_request_t borrowed = wasi_http_types_borrow_outgoing_request(request);
  wasi_http_types_scheme_t scheme = {.tag = scheme_tag};
  proxy_string_t authority = {(uint8_t *)host, path - host};
  proxy_string_t target = {(uint8_t *)(*path ? path : "/"), *path ? strlen(path) : 1};
  wasi_http_types_method_outgoing_request_set_scheme(borrowed, &scheme);
  wasi_http_types_method_outgoing_request_set_authority(borrowed, &authority);
  wasi_http_types_method_outgoing_request_set_path_with_query(borrowed, &target);
  wasi_http_types_own_future_incoming_response_t future;
  wasi_http_types_error_code_t bad;
  if (!wasi_http_outgoing_handler_handle(request, NULL, &future, &bad)) {
    answer(out, 502, TEXT, "fetch: error %d\n", bad.tag);
    return;
  }
  wasi_http_types_borrow_future_incoming_response_t waiting = wasi_http_types_borrow_future_incoming_response(future);
  wasi_http_types_own_pollable_t ready = wasi_http_types_method_future_incoming_response_subscribe(waiting);
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
  wasi_io_poll_pollable_drop_own(ready);
  wasi_http_types_result_result_own_incoming_response_error_code_void_t got;
  if (!wasi_http_types_method_future_incoming_response_get(waiting, &got) || got.is_err || got.val.ok.is_err) {
    answer(out, 502, TEXT, "fetch: error %d\n", got.val.ok.val.err.tag);
    return;
  }
  wasi_http_types_own_incoming_response_t response = got.val.ok.val.ok;
  wasi_http_types_own_incoming_body_t body;
  wasi_http_types_method_incoming_response_consume(wasi_http_types_borrow_incoming_response(response), &body);
  reply r = open_reply(out, 200, TEXT);
  relay(&r, body);
  close_reply(&r);
  wasi_http_types_incoming_response_drop_own(response);
  wasi_http_types_future_incoming_response_drop_own(future);
}

void exports_wasi_http_incoming_handler_handle(exports_wasi_http_incoming_handler_own_incoming_request_t request, outparam out) {
  count++;
  wasi_http_types_borrow_incoming_request_t borrowed = wasi_http_types_borrow_incoming_request(request);
  proxy_string_t raw;
  char *target;
  if (wasi_http_types_method_incoming_request_path_with_query(borrowed, &raw)) {
    target = strndup((char *)raw.ptr, raw.len);
    proxy_string_free(&raw);
  } else {
    target = strdup("/");
  }
  char *query = strchr(target, '?');
  size_t path_len = query ? (size_t)(query++ - target) : strlen(target);
  char buf[2048];
#define ROUTE(s) (path_len == sizeof(s) - 1 && memcmp(target, s, path_len) == 0)

  if (ROUTE("/")) {
    answer(out, 200, TEXT, "hello from c\n");
  } else if (ROUTE("/echo")) {
    wasi_http_types_own_incoming_body_t body;
    wasi_http_types_method_incoming_request_consume(borrowed, &body);
    reply r = open_reply(out, 200, "application/octet-stream");
    relay(&r, body);
    close_reply(&r);
  } else if (ROUTE("/headers")) {
    wasi_http_types_method_t method;
    wasi_http_types_method_incoming_request_method(borrowed, &method);
    reply r = open_reply(out, 200, TEXT);
    int n = method.tag == WASI_HTTP_TYPES_METHOD_OTHER
                ? snprintf(buf, sizeof buf, "%.*s %s\n", (int)method.val.other.len, (char *)method.val.other.ptr, target)
                : snprintf(buf, sizeof buf, "%s %s\n", METHODS[method.tag], target);
    put(&r, (uint8_t *)buf, n);
    wasi_http_types_method_free(&method);
    wasi_http_types_own_headers_t headers = wasi_http_types_method_incoming_request_headers(borrowed);
    wasi_http_types_list_tuple2_field_name_field_value_t list;
    wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(headers), &list);
    for (size_t i = 0; i < list.len; i++) {
      put(&r, list.ptr[i].f0.ptr, list.ptr[i].f0.len);
      put(&r, (uint8_t *)": ", 2);
      put(&r, list.ptr[i].f1.ptr, list.ptr[i].f1.len);
      put(&r, (uint8_t *)"\n", 1);
    }
    wasi_http_types_list_tuple2_field_name_field_value_free(&list);
    wasi_http_types_fields_drop_own(headers);
    close_reply(&r);
  } else if (ROUTE("/sleep")) {
    uint64_t ms = strtoull(param(query, "ms", "100", buf, sizeof buf), NULL, 10);
    wasi_io_poll_own_pollable_t timer = wasi_clocks_monotonic_clock_subscribe_duration(ms * 1000000);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(timer));
    wasi_io_poll_pollable_drop_own(timer);
    answer(out, 200, TEXT, "slept %" PRIu64 " ms\n", ms);
  } else if (ROUTE("/trap")) {
    __builtin_trap();
  } else if (ROUTE("/spin")) {
    for (volatile int i = 0;; i++) {
    }
  } else if (ROUTE("/fetch")) {
    fetch(out, param(query, "url", "", buf, sizeof buf));
  } else if (ROUTE("/big")) {
    long left = strtol(param(query, "n", "65536", buf, sizeof buf), NULL, 10);
    uint8_t block[4096];
    for (size_t i = 0; i < sizeof block; i++) block[i] = "0123456789abcdef"[i % 16];
    reply r = open_reply(out, 200, "application/octet-stream");
    for (; left > 0; left -= (long)sizeof block) put(&r, block, left < (long)sizeof block ? (size_t)left : sizeof block);
    close_reply(&r);
  } else if (ROUTE("/counter")) {
    answer(out, 200, TEXT, "%u\n", count);
  } else if (ROUTE("/clock")) {
    wasi_clocks_wall_clock_datetime_t now;
    wasi_clocks_wall_clock_now(&now);
    answer(out, 200, TEXT, "wall %" PRIu64 ".%09" PRIu32 "\nmonotonic %" PRIu64 "\n", now.seconds, now.nanoseconds, wasi_clocks_monotonic_clock_now());
  } else if (ROUTE("/random")) {
    answer(out, 200, TEXT, "%016" PRIx64 "%016" PRIx64 "\n", wasi_random_random_get_random_u64(), wasi_random_random_get_random_u64());
  } else if (ROUTE("/json")) {
    wasi_clocks_wall_clock_datetime_t now;
    wasi_clocks_wall_clock_now(&now);
    answer(out, 200, "application/json", "{\"message\":\"hello\",\"timestamp\":%" PRIu64 ".%09" PRIu32 ",\"id\":\"%016" PRIx64 "\",\"count\":%u}\n", now.seconds, now.nanoseconds,
           wasi_random_random_get_random_u64(), count);
  } else if (ROUTE("/log")) {
    printf("a line on stdout from c\n");
    fflush(stdout);
    fprintf(stderr, "a line on stderr from c\n");
    answer(out, 200, TEXT, "logged\n");
  } else {
    answer(out, 404, TEXT, "not found\n");
  }
  free(target);
  wasi_http_types_incoming_request_drop_own(request);
}

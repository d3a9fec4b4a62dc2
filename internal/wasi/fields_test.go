package wasi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pairs are the entries of fields as "name: value".
func pairs(f *Fields) []string {
	list := []string{}
	for _, e := range f.Entries() {
		list = append(list, e.Name+": "+string(e.Value))
	}
	return list
}

func bytesOf(values ...string) [][]byte {
	list := [][]byte{}
	for _, v := range values {
		list = append(list, []byte(v))
	}
	return list
}

func mustFields(t *testing.T, rules *FieldRules, kv ...string) *Fields {
	t.Helper()
	f := NewFields(rules)
	for i := 0; i < len(kv); i += 2 {
		if err := f.Append(kv[i], []byte(kv[i+1])); err != nil {
			t.Fatalf("append %s: %v", kv[i], err)
		}
	}
	return f
}

func TestFieldNamesAreTokens(t *testing.T) {
	const tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	names := []string{
		"",
		"voilà",
		"hey ho",
		" hey",
		"hey ",
		"(what)",
		"[what]",
		"\"a\"",
		strings.Repeat("f", 1024),
	}
	for r := rune(0); r < 1024; r++ {
		names = append(names, string(r))
	}
	for _, name := range names {
		valid := name != ""
		for _, r := range name {
			valid = valid && strings.ContainsRune(tokens, r)
		}
		f := NewFields(&FieldRules{})
		wantErr := error(nil)
		if !valid {
			wantErr = ErrFieldSyntax
		}
		if err := f.Append(name, []byte("v")); !errors.Is(err, wantErr) {
			t.Errorf("append %q: %v, want %v", name, err, wantErr)
		}
		if err := f.Set(name, bytesOf("w")); !errors.Is(err, wantErr) {
			t.Errorf("set %q: %v, want %v", name, err, wantErr)
		}
		if _, err := FieldsFromList(&FieldRules{}, []Field{{name, nil}}); !errors.Is(err, wantErr) {
			t.Errorf("from-list %q: %v, want %v", name, err, wantErr)
		}
		if f.Has(name) != valid || len(f.Get(name)) != map[bool]int{true: 1}[valid] {
			t.Errorf("%q: present %v, %q", name, f.Has(name), f.Get(name))
		}
		if _, err := f.Delete(name); !errors.Is(err, wantErr) {
			t.Errorf("delete %q: %v, want %v", name, err, wantErr)
		}
	}
}

func TestFieldValuesAreFieldContent(t *testing.T) {
	for c := range 256 {
		valid := c == '\t' || c >= 0x20 && c != 0x7f
		f := NewFields(&FieldRules{})
		if err := f.Append("foo", []byte{byte(c)}); (err == nil) != valid {
			t.Errorf("append %#x: %v", c, err)
		}
		if err := f.Set("foo", [][]byte{{'a', byte(c)}}); (err == nil) != valid {
			t.Errorf("set %#x: %v", c, err)
		}
	}
	f := mustFields(t, &FieldRules{}, "a", "", "a", " \t ")
	if diff := cmp.Diff(bytesOf("", " \t "), f.Get("a")); diff != "" {
		t.Error(diff)
	}
}

func TestContentLengthMustBeANumber(t *testing.T) {
	for value, valid := range map[string]bool{"0": true, "007": true, "18446744073709551615": true, "18446744073709551616": false, "": false,
		"+5": false, " 5": false, "5 ": false, "-1": false, "0x1": false, "99999999999999999999999": false} {
		f := NewFields(&FieldRules{})
		if err := f.Append("Content-Length", []byte(value)); (err == nil) != valid {
			t.Errorf("append %q: %v", value, err)
		}
		if err := f.Set("content-length", bytesOf(value)); (err == nil) != valid {
			t.Errorf("set %q: %v", value, err)
		}
		if _, err := FieldsFromList(&FieldRules{}, []Field{{"content-length", []byte(value)}}); (err == nil) != valid {
			t.Errorf("from-list %q: %v", value, err)
		}
	}
}

func TestContentLengthHasOneValue(t *testing.T) {
	for name, c := range map[string]struct {
		values []string
		valid  bool
		kept   string
	}{
		"once":                    {[]string{"5"}, true, "5"},
		"twice the same":          {[]string{"5", "5"}, true, "5"},
		"the same number":         {[]string{"5", "005"}, true, "5"},
		"two that differ":         {[]string{"5", "6"}, false, "5"},
		"the last of many":        {[]string{"7", "7", "7", "8"}, false, "7"},
		"a list in one value":     {[]string{"5, 5"}, false, ""},
		"a list that differs":     {[]string{"5,6"}, false, ""},
		"the second is no number": {[]string{"5", "x"}, false, "5"},
	} {
		wantErr := func(how string, err error) {
			t.Helper()
			if c.valid != (err == nil) || err != nil && !errors.Is(err, ErrFieldSyntax) {
				t.Errorf("%s, %s: %v", name, how, err)
			}
		}
		f := NewFields(&FieldRules{})
		var err error
		for i, v := range c.values {
			// Whatever the spelling of the name.
			if err = f.Append([]string{"Content-Length", "content-length"}[i%2], []byte(v)); err != nil {
				break
			}
		}
		wantErr("append", err)
		var want [][]byte
		if c.kept != "" {
			want = bytesOf(c.kept)
		}
		if diff := cmp.Diff(want, f.Get("content-length")); diff != "" {
			t.Errorf("%s, append: %s", name, diff)
		}
		if f.Len() == 1 && f.bytes != size("Content-Length", []byte(c.kept)) {
			t.Errorf("%s: %d bytes counted", name, f.bytes)
		}
		var list []Field
		for _, v := range c.values {
			list = append(list, Field{"content-length", []byte(v)})
		}
		_, err = FieldsFromList(&FieldRules{}, list)
		wantErr("from-list", err)

		// A refused set changes nothing; the value may be replaced as a whole.
		f = mustFields(t, &FieldRules{}, "content-length", "1")
		err = f.Set("content-length", bytesOf(c.values...))
		wantErr("set", err)
		if !c.valid {
			want = bytesOf("1")
		}
		if diff := cmp.Diff(want, f.Get("content-length")); diff != "" {
			t.Errorf("%s, set: %s", name, diff)
		}
	}
	if err := mustFields(t, &FieldRules{}, "content-length", "1").Clone().Append("content-length", []byte("2")); err == nil {
		t.Error("a clone forgets the value that it has")
	}
}

func TestFieldsForbidWhatConcernsTheConnection(t *testing.T) {
	rules := &FieldRules{Forbidden: []string{"x-mine"}}
	for _, name := range []string{"connection", "Keep-Alive", "proxy-authenticate", "proxy-authorization", "Proxy-Connection",
		"TRANSFER-ENCODING", "upgrade", "Host", "http2-settings", "X-Mine"} {
		f := NewFields(rules)
		_, fromList := FieldsFromList(rules, []Field{{name, []byte("x")}})
		_, del := f.Delete(name)
		frozen := NewFields(rules).Freeze().Append(name, nil)
		for op, err := range map[string]error{"append": f.Append(name, []byte("x")), "set": f.Set(name, nil), "from-list": fromList,
			"delete": del, "append to frozen": frozen} {
			if !errors.Is(err, ErrFieldForbidden) {
				t.Errorf("%s %s: %v", op, name, err)
			}
		}
		if in := FieldsFromHTTP(rules, http.Header{name: {"x"}}); in.Len() != 0 {
			t.Errorf("%s arrived: %v", name, pairs(in))
		}
	}
	for _, name := range []string{"te", "trailer", "expect", "date"} {
		if err := NewFields(rules).Append(name, []byte("x")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFieldErrorsComeInOrder(t *testing.T) {
	frozen := mustFields(t, &FieldRules{}, "a", "1").Freeze()
	_, delBad := frozen.Delete("b d")
	_, del := frozen.Delete("a")
	for what, c := range map[string]struct{ got, want error }{
		"append, bad name":  {frozen.Append("a b", []byte("\n")), ErrFieldSyntax},
		"append, bad value": {frozen.Append("a", []byte("\n")), ErrFieldSyntax},
		"append":            {frozen.Append("a", nil), ErrFieldImmutable},
		"set, bad name":     {frozen.Set("a b", nil), ErrFieldSyntax},
		"set, bad value":    {frozen.Set("a", bytesOf("\n")), ErrFieldImmutable},
		"delete, bad name":  {delBad, ErrFieldSyntax},
		"delete":            {del, ErrFieldImmutable},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
	if diff := cmp.Diff([]string{"a: 1"}, pairs(frozen)); diff != "" {
		t.Error(diff)
	}
}

func TestFieldNamesKeepOrderAndFirstSpelling(t *testing.T) {
	f := mustFields(t, &FieldRules{}, "B", "1", "a", "2", "b", "3")
	step := func(what string, err error, want ...string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if diff := cmp.Diff(append([]string{}, want...), pairs(f)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	step("append", nil, "B: 1", "a: 2", "B: 3")
	if diff := cmp.Diff(bytesOf("1", "3"), f.Get("b")); diff != "" {
		t.Error(diff)
	}
	step("set", f.Set("B", bytesOf("x", "y")), "B: x", "B: y", "a: 2")
	step("set to nothing", f.Set("A", nil), "B: x", "B: y")
	if f.Has("a") {
		t.Error("a name set to nothing is present")
	}
	removed, err := f.Delete("b")
	if diff := cmp.Diff(bytesOf("x", "y"), removed); diff != "" {
		t.Error(diff)
	}
	step("delete", err)
	step("append again", f.Append("b", []byte("z")), "b: z")
	_, err = f.Delete("not-there")
	step("delete what is not there", err, "b: z")
}

func TestCloneIsMutableAndApart(t *testing.T) {
	f := mustFields(t, &FieldRules{}, "a", "1").Freeze()
	c := f.Clone()
	if err := c.Append("a", []byte("2")); err != nil {
		t.Fatal(err)
	}
	if err := c.Set("a", bytesOf("3")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a: 1"}, pairs(f)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a: 3"}, pairs(c)); diff != "" {
		t.Error(diff)
	}
}

func TestFieldsAreLimited(t *testing.T) {
	rules := &FieldRules{Bytes: 100}
	f := NewFields(rules)
	if err := f.Append("a", make66(66)); err != nil {
		t.Fatal(err)
	}
	if err := f.Append("b", nil); !errors.Is(err, ErrFieldsTooBig) {
		t.Errorf("an empty value is free: %v", err)
	}
	if err := f.Set("b", bytesOf("x")); !errors.Is(err, ErrFieldsTooBig) {
		t.Errorf("set: %v", err)
	}
	if err := f.Set("a", bytesOf("x")); err != nil {
		t.Errorf("replacing a big value by a small one: %v", err)
	}
	if err := f.Append("b", nil); err != nil {
		t.Errorf("after making room: %v", err)
	}
	big := FieldsFromHTTP(rules, http.Header{"A": {strings.Repeat("x", 1000)}})
	c := big.Clone()
	if err := c.Append("b", nil); !errors.Is(err, ErrFieldsTooBig) {
		t.Errorf("growing a clone of big incoming fields: %v", err)
	}
	if _, err := c.Delete("a"); err != nil {
		t.Errorf("deleting from it: %v", err)
	}
	f = NewFields(&FieldRules{})
	n := 0
	for ; f.Append(fmt.Sprint("n", n), nil) == nil; n++ {
	}
	if n > DefaultFieldsBytes/fieldOverhead {
		t.Errorf("%d empty entries fit by default", n)
	}
}

func make66(n int) []byte { return []byte(strings.Repeat("x", n)) }

func TestIncomingFieldsAreLowerCaseAndFrozen(t *testing.T) {
	f := FieldsFromHTTP(
		&FieldRules{},
		http.Header{"X-Two": {"b", "a"}, "Accept": {"*/*"}, "Connection": {"close"}, "X-None": nil},
	)
	if diff := cmp.Diff([]string{"accept: */*", "x-two: b", "x-two: a"}, pairs(f)); diff != "" {
		t.Error(diff)
	}
	if err := f.Append("x", nil); !errors.Is(err, ErrFieldImmutable) {
		t.Errorf("append: %v", err)
	}
}

func TestErrorCodesHaveTheirNames(t *testing.T) {
	text, number := "x", uint64(3)
	for _, c := range []struct {
		code ErrorCode
		want string
	}{
		{ErrorCode{Case: ConnectionRefused, Text: &text}, "connection-refused"},
		{ErrorCode{Case: DNSError, Text: &text, Number: &number}, `DNS-error(rcode: "x", info-code: 3)`},
		{ErrorCode{Case: TLSAlertReceived, Text: &text}, `TLS-alert-received(alert-message: "x")`},
		{ErrorCode{Case: HTTPRequestBodySize, Number: &number}, "HTTP-request-body-size(3)"},
		{ErrorCode{Case: HTTPRequestHeaderSize, Text: &text, Number: &number}, `HTTP-request-header-size(field-name: "x", field-size: 3)`},
		{ErrorCode{Case: InternalError, Text: &text}, `internal-error("x")`},
		{ErrorCode{Case: InternalError}, "internal-error"},
	} {
		if got := c.code.String(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	cause := errors.New("why")
	code := NewErrorCode(LoopDetected, cause)
	if err := fmt.Errorf("outer: %w", code); AsErrorCode(err) != code || !errors.Is(err, cause) ||
		code.Error() != "loop-detected: why" {
		t.Errorf("%v", err)
	}
	if AsErrorCode(cause) != nil {
		t.Error("a foreign error has a code")
	}
}

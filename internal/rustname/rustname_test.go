package rustname

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// names are names of Rust and what they stand for; "" for those that are none.
var names = map[string]string{
	// Paths.
	"_RNvC3app3pay":                          "app::pay",
	"_RNvCs1234_3app3pay":                    "app::pay",
	"_RNvNtC3app4shop3pay":                   "app::shop::pay",
	"_RNCNvC3app3pay0":                       "app::pay::{closure#0}",
	"_RNCNvC3app3pays_0":                     "app::pay::{closure#1}",
	"_RNCNvC3app3pays0_0":                    "app::pay::{closure#2}",
	"_RNSNvC3app3pay6vtable":                 "app::pay::{shim:vtable#0}",
	"_RNCNvC3app3pay010_underscore":          "",
	"_RNvNCNvC3app3pay010__underscor":        "app::pay::{closure#0}::_underscor",
	"_RNvMC3appNtC3app4Shop3pay":             "<app::Shop>::pay",
	"_RNvMs_C3appNtC3app4Shop3pay":           "<app::Shop>::pay",
	"_RNvXC3appNtC3app4ShopNtC4core3Pay3pay": "<app::Shop as core::Pay>::pay",
	"_RNvYNtC3app4ShopNtC4core3Pay3pay":      "<app::Shop as core::Pay>::pay",
	"_RNvXC3appNtB2_4ShopNtB2_3Pay3pay":      "<app::Shop as app::Pay>::pay",
	"_RNvC3appu5aa_AA":                       "",
	"_RNvC7mycrate3fooC3app":                 "mycrate::foo",
	"_RNvC3app3pay.llvm.123":                 "app::pay",
	"_RNvC3app3pay$0":                        "app::pay",
	"_RNvC3appu10Mnchen_3ya":                 "app::München",
	"_RNvC3appu4aa_z":                        "",
	// Generic arguments.
	"_RINvC3app3payhE":                                          "app::pay::<u8>",
	"_RINvC3app3paylmxE":                                        "app::pay::<i32, u32, i64>",
	"_RINvC3app3payINtC4core6OptioneEE":                         "app::pay::<core::Option<str>>",
	"_RINvC3app3payTEE":                                         "app::pay::<()>",
	"_RINvC3app3payThEE":                                        "app::pay::<(u8,)>",
	"_RINvC3app3payThbEE":                                       "app::pay::<(u8, bool)>",
	"_RINvC3app3payRShQePhOhE":                                  "app::pay::<&[u8], &mut str, *const u8, *mut u8>",
	"_RINvC3app3payAhj8_E":                                      "app::pay::<[u8; 8]>",
	"_RINvC3app3payFhEbE":                                       "app::pay::<fn(u8) -> bool>",
	"_RINvC3app3payFUKCheEuE":                                   `app::pay::<unsafe extern "C" fn(u8, str)>`,
	"_RINvC3app3payFK8C_unwindEuE":                              `app::pay::<extern "C-unwind" fn()>`,
	"_RINvC3app3payFG_RL0_hEuE":                                 "app::pay::<for<'a> fn(&'a u8)>",
	"_RINvC3app3payDNtC4core5DebugEL_E":                         "app::pay::<dyn core::Debug>",
	"_RINvC3app3payDNtC4core4IterpC4ItemhEL_E":                  "",
	"_RINvC3app3payDNtC4core4Iterp4ItemhEL_E":                   "app::pay::<dyn core::Iter<Item = u8>>",
	"_RINvC3app3payDINtC4core2FnThEEp6OutputuNtC4core4SendEL_E": "app::pay::<dyn core::Fn<(u8,), Output = ()> + core::Send>",
	"_RINvC3app3payL_E":                                         "app::pay::<'_>",
	// Constants.
	"_RINvC3app3payKj2a_KlnA_E":                  "",
	"_RINvC3app3payKj2a_Klna_E":                  "app::pay::<42, -10>",
	"_RINvC3app3payKb1_Kc41_E":                   "app::pay::<true, 'A'>",
	"_RINvC3app3payKb2_E":                        "",
	"_RINvC3app3payKpE":                          "app::pay::<_>",
	"_RINvC3app3payKo123456789abcdef01_E":        "app::pay::<0x123456789abcdef01>",
	"_RINvC3app3payKRe6869_E":                    `app::pay::<"hi">`,
	"_RINvC3app3payKATh1_h2_EE":                  "",
	"_RINvC3app3payKAh1_h2_EE":                   "app::pay::<[1, 2]>",
	"_RINvC3app3payKTh1_b0_EE":                   "app::pay::<(1, false)>",
	"_RINvC3app3payKVNtC3app4UnitUE":             "app::pay::<app::Unit>",
	"_RINvC3app3payKVNtC3app4PairTh1_h2_EE":      "app::pay::<app::Pair(1, 2)>",
	"_RINvC3app3payKVNtC3app5PointS1xh1_1yh2_EE": "app::pay::<app::Point { x: 1, y: 2 }>",
	// The old form.
	"_ZN3app3pay17h0123456789abcdefE":                                                          "app::pay",
	"_ZN3app3pay17h0123456789abcdefE.llvm.1":                                                   "app::pay",
	"_ZN3app5total28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE":                          "app::total::{{closure}}",
	"_ZN58_$LT$app..Shop$u20$as$u20$core..Into$LT$$RF$$BP$u8$GT$$GT$4into17h0123456789abcdefE": "<app::Shop as core::Into<&*u8>>::into",
	"_ZN3app3pay17h0123456789abcdeE":                                                           "",
	"_ZN3app3pay17hg123456789abcdefE":                                                          "",
	"_ZN17h0123456789abcdefE":                                                                  "",
	"_ZN3app3payEi":                                                                            "", // of C++
	"_Z3payi":                                                                                  "",
	// Others.
	"": "", "_R": "", "pay": "", "_Release": "", "_RNv": "", "_RNvC3ap": "", "_RC99999999999999999999a": "",
	"_R1NvC3app3pay": "", "_RNvC3app3payX": "", "_RB_": "", "_RNvB_3pay": "",
}

func TestNamesAreReadable(t *testing.T) {
	for name, want := range names {
		if got, ok := Readable(name); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", name, got, ok, want)
		}
	}
}

// TestNamesOfRealComponentsAreReadable looks for names in the components of the tests.
func TestNamesOfRealComponentsAreReadable(t *testing.T) {
	files, err := filepath.Glob("../../testdata/guests/rust-*/*.wasm")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	// A name stands after its length. What is taken for a length may be less than that.
	mangled := regexp.MustCompile(`_RNv[A-Za-z0-9_]{20,}`)
	seen := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range mangled.FindAllIndex(data, -1) {
			name := data[at[0]:at[1]]
			length := int(data[at[0]-1])
			if length >= 0x80 || length < 20 || length > len(name) {
				continue
			}
			seen++
			if got, ok := Readable(string(name[:length])); !ok || !strings.Contains(got, "::") {
				t.Errorf("%s: %s: %q", file, name[:length], got)
			}
		}
	}
	if seen < 100 {
		t.Errorf("%d names", seen)
	}
}

func TestNamesInNamesEndSomewhere(t *testing.T) {
	deep := strings.Repeat("R", 1<<20)
	// Each tuple has the one before it twice.
	twice := "TB_B_E"
	var tuples strings.Builder
	tuples.WriteString("ThhE")
	place := 5
	for range 60 {
		ref := "B" + base62(place)
		place = 5 + tuples.Len()
		tuples.WriteString("T" + ref + ref + "E")
	}
	for _, name := range []string{
		"_RINvC3app3pay" + deep + "hE",
		"_RINvC3app3pay" + strings.Repeat(twice, 1000) + "E",
		"_RINvC1a1b" + tuples.String() + "E",
		"_RINvC3app3payFGzzzzzz_hEuE",
		"_RINvC3app3payRL" + strings.Repeat("z", 30) + "_hE",
	} {
		if got, ok := Readable(name); ok && len(got) > maxLength {
			t.Errorf("%.40s: %d bytes", name, len(got))
		}
	}
}

func base62(n int) string {
	if n == 0 {
		return "_"
	}
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	text := ""
	for n--; ; n /= 62 {
		if text = string(digits[n%62]) + text; n < 62 {
			return text + "_"
		}
	}
}

func FuzzReadable(f *testing.F) {
	for name := range names {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if path, ok := Readable(name); ok && len(path) > maxLength+len(name) {
			t.Errorf("%q", path)
		}
	})
}

package p2

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
	"github.com/wasihttp/wasihttp/internal/wasi/wittest"
)

// witDir holds the text of the interfaces that are offered.
const witDir = "../../../testdata/guests/wit/0.2.12/deps"

func TestEveryFunctionHasTheTypeInTheWIT(t *testing.T) {
	// The last two are exports of the guest.
	want := wittest.Funcs(t, witDir, version, 7, "wasi:http/incoming-handler", "wasi:cli/run")
	got := map[string]string{}
	addAll(component.NewLinker(), &host{defined: func(iface string, d def) {
		got[iface+" "+d.name] = wittest.Normal(d.wit)
	}})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(got) < 150 {
		t.Errorf("only %d functions", len(got))
	}
}

func TestErrorCodeHasTheCasesInTheWIT(t *testing.T) {
	text := wittest.Text(t, filepath.Join(witDir, "http.wit"))
	inside, _ := wittest.Block(text, strings.Index(text, "variant error-code"))
	if diff := cmp.Diff(wittest.Normal("variant {"+inside+"}"), wittest.Normal(convert.ErrorCodeType())); diff != "" {
		t.Error(diff)
	}
}

func TestErrorCodesSurviveConversion(t *testing.T) {
	text, number := "text", uint64(7)
	for c := wasi.DNSTimeout; c <= wasi.InternalError; c++ {
		codes := []wasi.ErrorCode{{Case: c}}
		switch c.Payload() {
		case wasi.StringPayload:
			codes = append(codes, wasi.ErrorCode{Case: c, Text: &text})
		case wasi.U32Payload, wasi.U64Payload:
			codes = append(codes, wasi.ErrorCode{Case: c, Number: &number})
		case wasi.DNSPayload, wasi.AlertPayload, wasi.FieldSizePayload:
			codes = append(
				codes,
				wasi.ErrorCode{Case: c, Text: &text},
				wasi.ErrorCode{Case: c, Number: &number},
				wasi.ErrorCode{Case: c, Text: &text, Number: &number},
			)
		case wasi.OptFieldPayload:
			codes = append(
				codes,
				wasi.ErrorCode{Case: c, Empty: true},
				wasi.ErrorCode{Case: c, Empty: true, Text: &text, Number: &number},
			)
		}
		for _, want := range codes {
			v := convert.ErrorCode(&want)
			if diff := cmp.Diff(want, *convert.ErrorCodeOf(v)); diff != "" ||
				v.Case() != uint32(c) {
				t.Errorf("%v: %s", want.String(), diff)
			}
		}
	}
}

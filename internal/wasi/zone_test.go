package wasi

import (
	"math"
	"testing"
)

func TestTheZoneIsThatOfTheVariable(t *testing.T) {
	const winter, summer = 1_700_000_000, 1_720_000_000
	type found struct {
		id, name string
		offset   int
		daylight bool
	}
	// The machine's own zone is never seen.
	t.Setenv("TZ", "America/New_York")
	for _, tt := range []struct {
		env  [][2]string
		at   int64
		want found
		ok   bool
	}{
		{nil, winter, found{"UTC", "UTC", 0, false}, true},
		{[][2]string{{"tz", "Asia/Tokyo"}}, winter, found{"UTC", "UTC", 0, false}, true},
		{[][2]string{{"TZ", ""}}, winter, found{"UTC", "UTC", 0, false}, true},
		{[][2]string{{"A", "1"}, {"TZ", "Europe/Berlin"}}, winter,
			found{"Europe/Berlin", "CET", 3600, false}, true},
		{[][2]string{{"TZ", ":Europe/Berlin"}}, summer,
			found{"Europe/Berlin", "CEST", 7200, true}, true},
		{[][2]string{{"TZ", "America/Sao_Paulo"}}, winter,
			found{"America/Sao_Paulo", "-03", -3 * 3600, false}, true},
		{[][2]string{{"TZ", "Local"}}, winter, found{"", "UTC", 0, false}, false},
		{[][2]string{{"TZ", "../../etc/localtime"}}, winter, found{"", "UTC", 0, false}, false},
		{[][2]string{{"TZ", "Nowhere"}}, winter, found{"", "UTC", 0, false}, false},
	} {
		z := NewState(&Config{Env: tt.env}).Zone()
		var got found
		var ok bool
		got.id = z.ID()
		got.offset, got.name, got.daylight, ok = z.At(tt.at)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%q: %+v, %v; want %+v, %v", tt.env, got, ok, tt.want, tt.ok)
		}
	}
}

func TestInstantsThatAreFarAway(t *testing.T) {
	z := NewState(&Config{Env: [][2]string{{"TZ", "Europe/Berlin"}}}).Zone()
	for _, at := range []int64{math.MinInt64, -1 << 40, 1 << 40, math.MaxInt64} {
		if offset, _, _, ok := z.At(at); !ok || offset <= -86_400 || offset >= 86_400 {
			t.Errorf("%d: offset %d, %v", at, offset, ok)
		}
	}
	if _, name, _, ok := z.AtUnsigned(math.MaxUint64); ok || name != "UTC" {
		t.Errorf("name %q, %v", name, ok)
	}
}

func TestTheVariableOfTheZoneIsUsed(t *testing.T) {
	var used []Use
	s := NewState(&Config{
		Env:  [][2]string{{"A", "1"}, {"TZ", "Europe/Berlin"}},
		Used: func(u Use) { used = append(used, u) },
	})
	s.Zone()
	s.Zone()
	if len(used) != 1 || used[0] != (Use{Kind: UseEnvironment, Name: "TZ"}) {
		t.Errorf("uses %+v", used)
	}
}

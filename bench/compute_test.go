package main

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// times writes what the guest prints if all kinds of work take as long.
func times(took int) string {
	var text strings.Builder
	for _, kind := range kindsOfWork {
		fmt.Fprintln(&text, kind, took)
	}
	return text.String()
}

func TestSpeedsAreThoseOfTheFastestRuns(t *testing.T) {
	least := make([]map[string]float64, 2)
	for i, runs := range [][]int{{300, 200, 400}, {100, 50}} {
		for _, took := range runs {
			var err error
			if least[i], err = fastest(times(took), least[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	results := speeds(least)
	if len(results) != len(kindsOfWork)+1 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		if math.Abs(r.Wasihttp-5000) > 1 || math.Abs(r.Ratio-0.25) > 1e-6 {
			t.Errorf("%+v", r)
		}
	}
	if mean := results[len(results)-1]; !mean.missed() {
		t.Errorf("%+v is not said to miss its floor", mean)
	}
}

func TestAMeanIsThatOfRatios(t *testing.T) {
	least := make([]map[string]float64, 2)
	var err error
	for i := range least {
		if least[i], err = fastest(times(100), nil); err != nil {
			t.Fatal(err)
		}
	}
	least[0][kindsOfWork[0]] *= 128
	results := speeds(least)
	want := math.Pow(1.0/128, 1/float64(len(kindsOfWork)))
	if got := results[len(results)-1].Ratio; math.Abs(got-want) > 1e-9 {
		t.Errorf("ratio %v, not %v", got, want)
	}
}

func TestWhatIsNoTimeIsRefused(t *testing.T) {
	for _, text := range []string{"", "sha-256 fast\n", times(3)[:20]} {
		if got, err := fastest(text, nil); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

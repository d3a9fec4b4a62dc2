package stable

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestEqualElementsKeepTheirOrder(t *testing.T) {
	type element struct{ key, place int }
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 60 {
		list := make([]element, n*n)
		for i := range list {
			list[i] = element{random.IntN(n + 1), i}
		}
		want := slices.Clone(list)
		byKey := func(a, b element) int { return cmp.Compare(a.key, b.key) }
		slices.SortStableFunc(want, byKey)
		if Sort(list, byKey); !slices.Equal(list, want) {
			t.Fatalf("%d elements: %v, want %v", len(list), list, want)
		}
	}
	Sort(nil, func(a, b int) int { return a - b })
}

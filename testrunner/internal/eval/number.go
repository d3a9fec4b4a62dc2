package eval

import (
	"cmp"
	"math"
	"math/big"
)

// compareNumbers returns -1, 0 or 1, or 2 if one of the numbers is NaN, which equals nothing.
func compareNumbers(a, b Value) int {
	if a.Kind == Integer && b.Kind == Integer {
		return cmp.Compare(a.Int, b.Int)
	}
	x, okX := a.big()
	y, okY := b.big()
	if !okX || !okY {
		return compareSpecial(a, b)
	}
	return x.Cmp(y)
}

// compareSpecial compares numbers of which at least one is infinite or NaN.
func compareSpecial(a, b Value) int {
	x, y := a.float(), b.float()
	if math.IsNaN(x) || math.IsNaN(y) {
		return 2
	}
	return cmp.Compare(x, y)
}

func (v Value) float() float64 {
	if v.Kind == Float {
		return v.Float
	}
	return 0
}

// bigPrecision, in bits, holds every float64 and integers of 600 digits.
const bigPrecision = 2200

// big returns a finite number; ok is false for other values.
func (v Value) big() (*big.Float, bool) {
	n := new(big.Float).SetPrec(bigPrecision)
	switch v.Kind {
	case Integer:
		return n.SetInt64(v.Int), true
	case BigInteger:
		return n, func() bool { _, ok := n.SetString(v.Text); return ok }()
	}
	if math.IsNaN(v.Float) || math.IsInf(v.Float, 0) {
		return nil, false
	}
	return n.SetFloat64(v.Float), true
}

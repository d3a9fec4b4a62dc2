package diff

import (
	"sort"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
)

// maxEdits limits the search for the shortest list of edits, which takes steps and memory of
// maxEdits² words at most. Beyond it, only elements that occur once on either side are matched,
// without a search.
const maxEdits = 2000

// lcs returns the pairs of indexes of a longest common subsequence (E. Myers,
// An O(ND) Difference Algorithm and Its Variations, 1986).
func lcs(w *interrupt.Work, a, b []int) [][2]int {
	var pairs [][2]int
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		pairs = append(pairs, [2]int{start, start})
		start++
	}
	endA, endB := len(a), len(b)
	var tail [][2]int
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
		tail = append(tail, [2]int{endA, endB})
	}
	middle, ok := myers(w, a[start:endA], b[start:endB])
	if !ok {
		middle = anchors(a[start:endA], b[start:endB])
	}
	for _, p := range middle {
		pairs = append(pairs, [2]int{p[0] + start, p[1] + start})
	}
	for i := len(tail) - 1; i >= 0; i-- {
		pairs = append(pairs, tail[i])
	}
	return pairs
}

// anchors returns the longest list of pairs of elements that occur once on
// either side and are in the same order.
func anchors(a, b []int) [][2]int {
	count := make(map[int][2]int)
	at := make(map[int]int) // of b
	for _, c := range a {
		n := count[c]
		count[c] = [2]int{n[0] + 1, n[1]}
	}
	for j, c := range b {
		n := count[c]
		count[c] = [2]int{n[0], n[1] + 1}
		at[c] = j
	}
	var pairs [][2]int
	for i, c := range a {
		if count[c] == [2]int{1, 1} {
			pairs = append(pairs, [2]int{i, at[c]})
		}
	}
	return increasing(pairs)
}

// increasing returns the longest list of pairs with both sides in order, by
// patience sorting. The argument is ordered by the first side.
func increasing(pairs [][2]int) [][2]int {
	var piles []int                   // the pair on top
	before := make([]int, len(pairs)) // the pair on top of the pile to the left
	for n, p := range pairs {
		pile := sort.Search(len(piles), func(k int) bool { return pairs[piles[k]][1] >= p[1] })
		if pile > 0 {
			before[n] = piles[pile-1]
		}
		if pile == len(piles) {
			piles = append(piles, n)
		}
		piles[pile] = n
	}
	out := make([][2]int, len(piles))
	for k, n := len(piles)-1, 0; k >= 0; k-- {
		if k == len(piles)-1 {
			n = piles[k]
		}
		out[k] = pairs[n]
		n = before[n]
	}
	return out
}

// myers returns ok false when there are too many edits.
func myers(w *interrupt.Work, a, b []int) (pairs [][2]int, ok bool) {
	n, m := len(a), len(b)
	if n == 0 || m == 0 {
		return nil, true
	}
	limit := min(n+m, maxEdits)
	// furthest[limit+k] is how far x comes on diagonal k.
	furthest := make([]int, 2*limit+2)
	var trace [][]int
	for d := 0; d <= limit; d++ {
		trace = append(trace, append([]int(nil), furthest[limit-d:limit+d+2]...))
		for k := -d; k <= d; k += 2 {
			w.Step()
			x := 0
			if k == -d || k != d && furthest[limit+k-1] < furthest[limit+k+1] {
				x = furthest[limit+k+1]
			} else {
				x = furthest[limit+k-1] + 1
			}
			y := x - k
			for x < n && y < m && y >= 0 && a[x] == b[y] {
				w.Step()
				x, y = x+1, y+1
			}
			furthest[limit+k] = x
			if x >= n && y >= m {
				return backtrack(trace, n, m, d), true
			}
		}
	}
	return nil, false
}

// backtrack follows the edits back. trace[d] holds diagonals -d to d+1 as they
// were before step d.
func backtrack(trace [][]int, n, m, d int) [][2]int {
	var reversed [][2]int
	x, y := n, m
	for ; d > 0; d-- {
		at := func(k int) int { return trace[d][d+k] }
		k := x - y
		var previous int
		if k == -d || k != d && at(k-1) < at(k+1) {
			previous = k + 1
		} else {
			previous = k - 1
		}
		fromX := at(previous)
		fromY := fromX - previous
		for x > fromX && y > fromY && x > 0 && y > 0 {
			x, y = x-1, y-1
			reversed = append(reversed, [2]int{x, y})
		}
		x, y = fromX, fromY
	}
	for x > 0 && y > 0 {
		x, y = x-1, y-1
		reversed = append(reversed, [2]int{x, y})
	}
	pairs := make([][2]int, len(reversed))
	for i, p := range reversed {
		pairs[len(pairs)-1-i] = p
	}
	return pairs
}

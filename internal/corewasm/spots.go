package corewasm

// spots are the elements of coverage's table that belong to a function. Few blocks and branches
// have one:
//
//   - A block has one if it is Apart, unless the branch that it ends with tells, which comes
//     whenever the block runs.
//   - A branch has one for each outcome, which tell of the blocks that it leads to, too, unless it
//     is a check: one of its two ways traps. Checks are many, and in the hottest loops.
//   - The block in which a check traps has one. If nothing trapped, the other way was taken
//     whenever the block of the check ran. If something did, the block on the other way has to
//     tell: by how it ends, or else by an element of its own.
type spots struct {
	blocks   []int // by block; none if it has no element
	branches []int // by branch, the element of its first outcome; none for a check
	traps    []int // by branch, the outcome of a check that traps
	next     uint32

	ends    []int // by block, the branch that it ends with; none if it ends otherwise
	entries []int // by block, how many ways and outcomes lead to it
	evident []bool
}

// maxTold is up to how many instructions of a block the branch at its end tells that it ran: there
// is no safepoint among them (see costPiece).
const maxTold = 1 << 10

// of sets the spots to those of a function, of which the first is given.
func (s *spots) of(f *Flow, first uint32) {
	s.blocks, s.ends, s.entries = s.blocks[:0], s.ends[:0], s.entries[:0]
	s.branches, s.traps, s.evident = s.branches[:0], s.traps[:0], s.evident[:0]
	s.next = first
	for range f.Blocks {
		s.blocks = append(s.blocks, none) // those of 0 get their number below
		s.ends, s.entries = append(s.ends, none), append(s.entries, 0)
		s.evident = append(s.evident, false)
	}
	for _, way := range f.Ways {
		s.entries[way[1]]++
	}
	for i := range f.Branches {
		b := &f.Branches[i]
		s.ends[b.Block] = i
		trap := trapOf(f, b)
		s.traps = append(s.traps, trap)
		if trap != none {
			s.blocks[b.Outcomes[trap]] = 0
		}
		for _, to := range b.Outcomes {
			if to != Return {
				s.entries[to]++
			}
		}
	}
	for i := range f.Blocks {
		b, end := &f.Blocks[i], s.ends[i]
		if b.Apart && (end == none || s.traps[end] != none || b.Stops || b.Instructions > maxTold) {
			s.blocks[i] = 0
		}
	}
	s.addEvidence(f)
	for i := range s.blocks {
		if s.blocks[i] != none {
			s.blocks[i] = int(s.next)
			s.next++
		}
	}
	for i := range f.Branches {
		at := none
		if s.traps[i] == none {
			at = int(s.next)
			s.next += uint32(len(f.Branches[i].Outcomes))
		}
		s.branches = append(s.branches, at)
	}
}

// trapOf returns the outcome of a check that traps, or none.
func trapOf(f *Flow, b *Branch) int {
	trap := none
	if b.Table || b.Outcomes[0] == b.Outcomes[1] {
		return none
	}
	for o, to := range b.Outcomes {
		if to != Return && f.Blocks[to].Traps {
			if trap != none {
				return none
			}
			trap = o
		}
	}
	return trap
}

// addEvidence gives an element to blocks behind checks that would not tell whether they ran.
func (s *spots) addEvidence(f *Flow) {
	// What a block leads to comes behind it, or else has an element.
	for i := len(f.Blocks) - 1; i >= 0; i-- {
		end := s.ends[i]
		switch {
		case s.blocks[i] != none, f.Blocks[i].Calls:
			s.evident[i] = true
		case end == none:
		case s.traps[end] == none:
			s.evident[i] = true
		default:
			to := f.Branches[end].Outcomes[1-s.traps[end]]
			s.evident[i] = to > i && s.entries[to] == 1 && s.evident[to]
		}
		if end == none || s.traps[end] == none {
			continue
		}
		if to := f.Branches[end].Outcomes[1-s.traps[end]]; to != Return && !s.evident[to] {
			s.blocks[to], s.evident[to] = 0, true
		}
	}
}

// Covered calls visit for each function of the original module, with what of it ran: of each block
// of the flow, whether it did, and of each branch, whether each outcome came. bits are what the
// function read that [Options].Coverage exports, word by word; of several instances, their union.
// The slices and the flow are valid until visit returns. The error is that of [Info.Flows].
func (i *Info) Covered(bits []uint64, visit func(f *Flow, blocks []bool, branches [][]bool)) error {
	r := spotReader{bits: bits}
	return i.Flows(true, func(f *Flow) bool {
		r.of(f, r.next)
		r.read(f)
		visit(f, r.ran, r.came)
		return true
	})
}

// spotReader reads the table for one function after the other.
type spotReader struct {
	spots
	bits  []uint64
	ran   []bool // by block
	came  [][]bool
	first []int // where the ways from a block begin in to
	to    []int
	work  []int // blocks of which it is new that they ran
}

func (r *spotReader) hit(at int) bool {
	w := at / coverageWord
	return at != none && w < len(r.bits) && r.bits[w]>>(at%coverageWord)&1 != 0
}

// reach notes that a block ran.
func (r *spotReader) reach(block int) {
	if block != Return && !r.ran[block] {
		r.ran[block] = true
		r.work = append(r.work, block)
	}
}

func (r *spotReader) read(f *Flow) {
	r.ran, r.came, r.work = r.ran[:0], r.came[:0], r.work[:0]
	for range f.Blocks {
		r.ran = append(r.ran, false)
	}
	r.sortWays(f)
	for i, at := range r.blocks {
		if r.hit(at) {
			r.reach(i)
		}
	}
	from := make([]int, len(f.Blocks)) // the check that leads to a block, and nothing else does
	for i := range from {
		from[i] = none
	}
	for i := range f.Branches {
		b := &f.Branches[i]
		came := make([]bool, len(b.Outcomes))
		r.came = append(r.came, came)
		if trap := r.traps[i]; trap != none {
			if to := b.Outcomes[1-trap]; to != Return && r.entries[to] == 1 {
				from[to] = b.Block
			}
			continue
		}
		for o, to := range b.Outcomes {
			if came[o] = r.hit(r.branches[i] + o); came[o] {
				r.reach(b.Block)
				r.reach(to)
			}
		}
	}
	for len(r.work) > 0 {
		block := r.work[len(r.work)-1]
		r.work = r.work[:len(r.work)-1]
		for _, to := range r.to[r.first[block]:r.first[block+1]] {
			r.reach(to)
		}
		if from[block] != none {
			r.reach(from[block])
		}
		if block > 0 && f.Blocks[block-1].Calls {
			r.reach(block - 1)
		}
		if end := r.ends[block]; end != none && r.traps[end] != none {
			b := &f.Branches[end]
			if !r.hit(r.blocks[b.Outcomes[r.traps[end]]]) {
				r.reach(b.Outcomes[1-r.traps[end]])
			}
		}
	}
	for i := range f.Branches {
		b, trap := &f.Branches[i], r.traps[i]
		if trap == none || !r.ran[b.Block] {
			continue
		}
		trapped, other := r.ran[b.Outcomes[trap]], b.Outcomes[1-trap]
		r.came[i][trap] = trapped
		r.came[i][1-trap] = other == Return && !trapped || other != Return && r.ran[other]
	}
}

// sortWays sorts the ways by where they begin.
func (r *spotReader) sortWays(f *Flow) {
	r.first, r.to = r.first[:0], r.to[:0]
	for range len(f.Blocks) + 1 {
		r.first = append(r.first, 0)
	}
	for _, way := range f.Ways {
		r.first[way[0]+1]++
		r.to = append(r.to, 0)
	}
	for k := range f.Blocks {
		r.first[k+1] += r.first[k]
	}
	at := append([]int{}, r.first...)
	for _, way := range f.Ways {
		r.to[at[way[0]]] = way[1]
		at[way[0]]++
	}
}

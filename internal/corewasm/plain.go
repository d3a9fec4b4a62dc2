package corewasm

// plain skips over plain instructions, nearly all that there are, which are copied as they are.
type plain struct {
	imm  [256]immediate // immInvalid: not a plain one
	cost [256]uint8
}

// newPlain returns nil if all instructions have to be looked at.
func newPlain(w *rewriter) *plain {
	if w.lines != nil || len(w.companions) > 0 {
		return nil
	}
	p := &plain{}
	for op, imm := range newOpcodes() {
		switch imm {
		case immNone, immMemArg:
		case immLEB:
			if op == 0x08 {
				continue // throw
			}
		default:
			continue
		}
		p.imm[op], p.cost[op] = imm, uint8(cost(byte(op), imm))
	}
	for _, op := range []byte{0x00, 0x0a, 0x0f} { // what ends a way through the code
		p.imm[op] = immInvalid
	}
	return p
}

// skip goes on to the next instruction that is not plain, or until much is to be counted. It
// returns what the instructions that it skips cost.
func (p *plain) skip(r *walker, to int) (sum int32) {
	code, pos := r.b, r.pos
	for pos < to && sum < costPiece {
		op := code[pos]
		next := pos + 1
		switch p.imm[op] {
		case immNone:
		case immLEB:
			for next < len(code) && code[next] >= 0x80 {
				next++
			}
			next++
		case immMemArg:
			if next >= len(code) || code[next] >= 0x40 {
				r.pos = pos
				return sum
			}
			next++
			for next < len(code) && code[next] >= 0x80 {
				next++
			}
			next++
		default:
			r.pos = pos
			return sum
		}
		if next-pos > 12 || next > len(code) {
			break // a number that is too long
		}
		sum += int32(p.cost[op])
		r.at, r.last = pos, r.at
		pos = next
	}
	r.pos = pos
	return sum
}

package component

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// Modules that were linked dynamically, as those of Python are, import hundreds of mutable globals
// with the addresses of what other modules have. They have one value whenever code reads them: the
// first, or what the start function of the module that is instantiated last sets them to. The
// engine loads each mutable global again after each call, so they are found here, and code is
// compiled with their values in their place (engine.Source.Known).

// maxGlobals bounds the globals of all instances that are looked at.
const maxGlobals = 1 << 20

// cell is a global of one core instance.
type cell struct {
	typ    corewasm.GlobalType
	at     int // the core instance that has it; they are made in the order of their slots
	bits   uint64
	known  bool // it begins as bits
	bad    bool // it may have several values
	stored bool // code sets it to later
	later  uint64
	start  int // the first instance whose start function does at its very begin; -1: none
}

// recallGlobals is knowGlobals, but does not walk through code if an earlier process has done that
// for the same modules, linked in the same way.
func (p *plan) recallGlobals(e *engine.Engine, identity identifier) {
	shared := slices.ContainsFunc(p.sources,
		func(s moduleSource) bool { return s.module.info.SharesGlobals() })
	if !shared || !e.Keeps() {
		p.knowGlobals()
		return
	}
	h := sha256.New()
	for _, src := range p.sources {
		if id := identity(src.module.bytes); id != nil {
			h.Write(id())
		} else {
			h.Write(src.module.bytes)
		}
		fmt.Fprintln(h, len(src.module.bytes), len(src.imports))
		for _, im := range src.imports {
			fmt.Fprintf(h, "%d %q\n", im.Slot, im.Name)
		}
	}
	fmt.Fprintln(h, p.inits)
	key := h.Sum(nil)
	known := make([][]corewasm.Known, 0, len(p.sources))
	if note, ok := e.Recall([]byte("globals"), key); ok && json.Unmarshal(note, &known) == nil &&
		len(known) == len(p.sources) {
		for i := range p.sources {
			p.sources[i].known = known[i]
		}
		return
	}
	p.knowGlobals()
	known = known[:0]
	for i := range p.sources {
		known = append(known, p.sources[i].known)
	}
	if note, err := json.Marshal(known); err == nil {
		e.Remember(note, []byte("globals"), key)
	}
}

// knowGlobals finds the globals that have one value whenever code reads them. It assumes nothing of
// modules but that their code is valid: the engine sees to that.
func (p *plan) knowGlobals() {
	g := globalFinder{plan: p, names: map[*moduleRef]map[string]uint32{}}
	if !g.resolve() {
		return
	}
	for i := range p.sources {
		g.stores(i)
	}
	for i := range p.sources {
		g.agree(i)
	}
	for i := range p.sources {
		g.know(i)
	}
}

type globalFinder struct {
	plan   *plan
	slots  [][]*cell                        // by core instance: its globals, imports first
	of     [][]int                          // by source: its core instances
	starts []int                            // those that have a start function, in order
	names  map[*moduleRef]map[string]uint32 // exported globals
}

// resolve finds which cell each global is. It returns false if there are none, or too many.
func (g *globalFinder) resolve() bool {
	p := g.plan
	g.slots, g.of = make([][]*cell, p.coreSlots), make([][]int, len(p.sources))
	total := 0
	for _, init := range p.inits {
		src := &p.sources[init.source]
		info := src.module.info
		g.of[init.source] = append(g.of[init.source], init.slot)
		if info.HasStart {
			g.starts = append(g.starts, init.slot)
		}
		if total += len(info.Globals) + int(info.ImportedGlobals); total > maxGlobals {
			return false
		}
		cells := make([]*cell, 0, len(info.Globals)+int(info.ImportedGlobals))
		for i, im := range info.Imports {
			if im.Kind == corewasm.KindGlobal {
				cells = append(cells, g.imported(src.imports[i], im.Global))
			}
		}
		for own, t := range info.Globals {
			c := &cell{typ: t, at: init.slot, start: -1}
			c.bits, c.known = info.GlobalInit(own, known(cells))
			cells = append(cells, c)
		}
		g.slots[init.slot] = cells
	}
	return total > 0
}

// imported returns the cell that an import of that type is. One that does not fit is an error of
// linking, which is found later.
func (g *globalFinder) imported(from engine.Import, typ corewasm.GlobalType) *cell {
	none := &cell{typ: typ, bad: true}
	if from.Slot < 0 || g.slots[from.Slot] == nil {
		return none
	}
	m := g.plan.sources[g.plan.inits[from.Slot].source].module
	index, ok := g.exports(m)[from.Name]
	if !ok || uint64(index) >= uint64(len(g.slots[from.Slot])) {
		return none
	}
	c := g.slots[from.Slot][index]
	c.bad = c.bad || c.typ != typ
	return c
}

func (g *globalFinder) exports(m *moduleRef) map[string]uint32 {
	if g.names[m] == nil {
		g.names[m] = map[string]uint32{}
		for _, e := range m.info.Exports {
			if e.Kind == corewasm.KindGlobal {
				g.names[m][e.Name] = e.Index
			}
		}
	}
	return g.names[m]
}

// known returns the values of immutable cells.
func known(cells []*cell) corewasm.GlobalValue {
	return func(global uint32) (uint64, bool) {
		if uint64(global) >= uint64(len(cells)) {
			return 0, false
		}
		c := cells[global]
		return c.bits, c.known && !c.bad && !c.typ.Mutable
	}
}

// stores looks at what the code of a source sets its globals to.
func (g *globalFinder) stores(source int) {
	info := g.plan.sources[source].module.info
	slots := g.of[source]
	var stores []corewasm.GlobalStores
	if len(slots) > 0 && info.SharesGlobals() {
		// The instances have the same immutable globals: their imports are the same.
		stores, _ = info.GlobalStores(known(g.slots[slots[0]]))
	}
	for _, slot := range slots {
		for i, c := range g.slots[slot] {
			switch {
			case !c.typ.Mutable:
			case stores == nil:
				c.bad = true
			case stores[i].Stored:
				c.store(stores[i], slot)
			}
		}
	}
}

func (c *cell) store(s corewasm.GlobalStores, at int) {
	c.bad = c.bad || s.Unknown || c.stored && c.later != s.Bits
	c.stored, c.later = true, s.Bits
	if s.First && (c.start < 0 || at < c.start) {
		c.start = at
	}
}

// value returns the value that code finds in a cell, if there is only one.
func (g *globalFinder) value(c *cell) (uint64, bool) {
	switch {
	case c.bad, !c.stored && !c.known:
		return 0, false
	case !c.stored, c.known && c.bits == c.later:
		return c.bits, true
	}
	// No code may run between the instantiation that makes it and the one that sets it.
	for _, at := range g.starts {
		if at >= c.at && at < c.start {
			return 0, false
		}
	}
	return c.later, c.start >= 0
}

// agree gives up the globals of a source that differ between its instances: they have one code.
func (g *globalFinder) agree(source int) {
	slots := g.of[source]
	for i := 0; len(slots) > 1 && i < len(g.slots[slots[0]]); i++ {
		bits, same := g.value(g.slots[slots[0]][i])
		for _, slot := range slots[1:] {
			other, ok := g.value(g.slots[slot][i])
			same = same && ok && other == bits
		}
		for _, slot := range slots {
			g.slots[slot][i].bad = !same
		}
	}
}

// know tells a source which of its globals have one value.
func (g *globalFinder) know(source int) {
	if len(g.of[source]) == 0 {
		return
	}
	var all []corewasm.Known
	for i, c := range g.slots[g.of[source][0]] {
		if bits, ok := g.value(c); ok {
			all = append(all, corewasm.Known{Global: uint32(i), Bits: bits})
		}
	}
	g.plan.sources[source].known = all
}

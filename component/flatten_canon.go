package component

import (
	"strconv"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/types"
	"github.com/wasihttp/wasihttp/component/internal/validate"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// canonFunc is a canonical definition that core code calls: a lowered function or a built-in, in
// one component instance.
type canonFunc struct {
	op      binary.CanonOp
	inst    int
	name    string // of the host function
	params  []types.CoreType
	results []types.CoreType
	opts    options

	fn      *compFunc       // lower
	res     *types.Resource // resource.*
	typ     *types.Type     // stream.*, future.*: that type; task.return: of the result
	table   int             // thread.new-indirect: index into tables, -1 without
	def     *binary.Canon   // immediates
	spilled bool            // lower: parameters in memory
	outPtr  bool            // lower: the result goes to memory, by a trailing pointer
}

// label says what the function is, for people.
func (c *canonFunc) label() string {
	switch {
	case c.op != binary.CanonLower:
		return validate.CanonName(c.op)
	case c.fn.host != nil:
		return c.fn.host.iface.Name + "#" + c.fn.host.name
	}
	return "call of another component"
}

// brief reports whether the function only looks up or notes something.
func (c *canonFunc) brief() bool {
	switch c.op {
	case binary.CanonLower, binary.CanonSubtaskCancel, binary.CanonThreadYield,
		binary.CanonStreamRead, binary.CanonStreamWrite, binary.CanonStreamCancelRead,
		binary.CanonStreamCancelWrite, binary.CanonFutureRead, binary.CanonFutureWrite,
		binary.CanonFutureCancelRead, binary.CanonFutureCancelWrite, binary.CanonWaitableSetWait,
		binary.CanonWaitableSetPoll, binary.CanonThreadSuspend, binary.CanonThreadSuspendThenRes,
		binary.CanonThreadYieldThenRes, binary.CanonThreadSuspendThenProm,
		binary.CanonThreadYieldThenProm:
		return false
	}
	return true
}

// canonPrefix begins the names of canonical functions as core code knows them; a number follows.
const canonPrefix = "c"

func (f *flattener) canon(s *scope, d *binary.Canon) {
	switch d.Op {
	case binary.CanonLift, binary.CanonLower, binary.CanonResourceNew, binary.CanonResourceDrop,
		binary.CanonResourceRep:
		if d.Opts.Async {
			f.plan.async = true
		}
	default:
		f.plan.async = true
	}
	if d.Op == binary.CanonLift {
		if s.types[d.Type].fn.Async {
			f.plan.async = true
		}
		s.funcs = append(s.funcs, &compFunc{
			typ: s.types[d.Type].fn,
			lift: &liftDef{inst: s.inst, core: f.funcRef(s.coreFuncs[d.Func]),
				opts: f.options(s, &d.Opts)},
		})
		return
	}
	if len(f.plan.canons) >= maxCanons {
		planFail("the component defines more than %d canonical functions", maxCanons)
	}
	c := &canonFunc{op: d.Op, inst: s.inst, name: canonPrefix + strconv.Itoa(len(f.plan.canons)),
		opts: f.options(s, &d.Opts), def: d, table: -1}
	i32 := types.I32
	sig := func(params, results int) {
		for range params {
			c.params = append(c.params, i32)
		}
		for range results {
			c.results = append(c.results, i32)
		}
	}
	switch d.Op {
	case binary.CanonLower:
		c.fn = s.funcs[d.Func]
		if c.fn.typ.Async {
			f.plan.async = true
		}
		c.lowerSignature()
	case binary.CanonResourceNew, binary.CanonResourceRep:
		c.res = s.resource(d.Type)
		sig(1, 1)
	case binary.CanonResourceDrop:
		c.res = s.resource(d.Type)
		sig(1, 0)
	case binary.CanonTaskReturn:
		c.typ = f.optVal(s, d.Result)
		if c.typ != nil {
			if c.typ.FlatLen() > types.MaxFlatParams {
				c.params = []types.CoreType{i32}
			} else {
				c.params = c.typ.Flat()
			}
		}
	case binary.CanonContextGet:
		c.results = []types.CoreType{contextType(d)}
	case binary.CanonContextSet:
		c.params = []types.CoreType{contextType(d)}
	case binary.CanonStreamNew, binary.CanonFutureNew:
		c.typ = s.types[d.Type].val
		c.results = []types.CoreType{types.I64}
	case binary.CanonStreamRead, binary.CanonStreamWrite:
		c.typ = s.types[d.Type].val
		sig(3, 1)
	case binary.CanonFutureRead, binary.CanonFutureWrite:
		c.typ = s.types[d.Type].val
		sig(2, 1)
	case binary.CanonStreamCancelRead, binary.CanonStreamCancelWrite, binary.CanonFutureCancelRead,
		binary.CanonFutureCancelWrite:
		c.typ = s.types[d.Type].val
		sig(1, 1)
	case binary.CanonStreamDropReadable, binary.CanonStreamDropWritable,
		binary.CanonFutureDropReadable, binary.CanonFutureDropWritable:
		c.typ = s.types[d.Type].val
		sig(1, 0)
	case binary.CanonTaskCancel, binary.CanonBackpressureInc, binary.CanonBackpressureDec:
	case binary.CanonSubtaskCancel:
		sig(1, 1)
	case binary.CanonSubtaskDrop, binary.CanonWaitableSetDrop, binary.CanonErrorContextDrop,
		binary.CanonBackpressureSet:
		sig(1, 0)
	case binary.CanonThreadYield, binary.CanonWaitableSetNew, binary.CanonThreadIndex,
		binary.CanonThreadSuspend, binary.CanonThreadParallelism:
		sig(0, 1)
	case binary.CanonWaitableSetWait, binary.CanonWaitableSetPoll:
		c.opts.mem = f.memRef(s.mems[d.Memory])
		sig(2, 1)
	case binary.CanonWaitableJoin:
		sig(2, 0)
	case binary.CanonErrorContextNew:
		sig(2, 1)
	case binary.CanonErrorContextDebugMsg:
		sig(2, 0)
	case binary.CanonThreadNewIndirect:
		c.table = f.tableRef(s.tables[d.Table])
		sig(2, 1)
	case binary.CanonThreadResumeLater:
		sig(1, 0)
	case binary.CanonThreadSuspendThenRes, binary.CanonThreadYieldThenRes,
		binary.CanonThreadSuspendThenProm, binary.CanonThreadYieldThenProm:
		sig(1, 1)
	default:
		planFail("canonical built-in %#x is not supported", byte(d.Op))
	}
	s.coreFuncs = append(s.coreFuncs, coreRef{slot: engine.HostSlot, name: c.name,
		canon: len(f.plan.canons)})
	f.plan.canons = append(f.plan.canons, c)
}

func contextType(d *binary.Canon) types.CoreType {
	if d.ValType == 0 {
		return types.I32
	}
	return types.CoreType(d.ValType)
}

// lowerSignature computes the core signature of a lowered function (CanonicalABI.md,
// flatten_functype).
func (c *canonFunc) lowerSignature() {
	t := c.fn.typ
	maxParams := types.MaxFlatParams
	if c.opts.async {
		maxParams = types.MaxFlatAsyncParams
	}
	if t.ParamTuple.FlatLen() > maxParams {
		c.spilled = true
		c.params = []types.CoreType{types.I32}
	} else {
		c.params = append(c.params, t.ParamTuple.Flat()...)
	}
	if c.opts.async {
		if t.Result != nil {
			c.outPtr = true
			c.params = append(c.params, types.I32)
		}
		c.results = []types.CoreType{types.I32}
		return
	}
	if t.Result == nil {
		return
	}
	if t.Result.FlatLen() > types.MaxFlatResults {
		c.outPtr = true
		c.params = append(c.params, types.I32)
	} else {
		c.results = t.Result.Flat()
	}
}

func (f *flattener) options(s *scope, d *binary.CanonOpts) options {
	o := options{enc: d.Encoding, mem: -1, realloc: -1, postReturn: -1, callback: -1,
		async: d.Async}
	if d.Memory != nil {
		o.mem = f.memRef(s.mems[*d.Memory])
	}
	if d.Realloc != nil {
		o.realloc = f.funcRef(s.coreFuncs[*d.Realloc])
	}
	if d.PostReturn != nil {
		o.postReturn = f.funcRef(s.coreFuncs[*d.PostReturn])
	}
	if d.Callback != nil {
		o.callback = f.funcRef(s.coreFuncs[*d.Callback])
	}
	return o
}

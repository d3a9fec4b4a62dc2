package binary

// canon reads a canonical definition.
func (d *decoder) canon() *Canon {
	b := d.byte("canonical definition")
	c := &Canon{Op: CanonOp(b)}
	switch c.Op {
	case CanonLift:
		d.zero("sort of the lifted function")
		c.Func = d.u32("core function index")
		c.Opts = d.canonOpts()
		c.Type = d.u32("type index")
	case CanonLower:
		d.zero("sort of the lowered function")
		c.Func = d.u32("function index")
		c.Opts = d.canonOpts()
	case CanonResourceNew, CanonResourceDrop, CanonResourceRep, CanonStreamNew,
		CanonStreamDropReadable, CanonStreamDropWritable, CanonFutureNew, CanonFutureDropReadable,
		CanonFutureDropWritable:
		c.Type = d.u32("type index")
	case CanonStreamRead, CanonStreamWrite, CanonFutureRead, CanonFutureWrite:
		c.Type = d.u32("type index")
		c.Opts = d.canonOpts()
	case CanonStreamCancelRead, CanonStreamCancelWrite, CanonFutureCancelRead,
		CanonFutureCancelWrite:
		c.Type = d.u32("type index")
		c.Async = d.flag("the async immediate")
	case CanonSubtaskCancel:
		c.Async = d.flag("the async immediate")
	case CanonTaskReturn:
		c.Result = d.resultList()
		c.Opts = d.canonOpts()
	case CanonContextGet, CanonContextSet:
		c.ValType = d.coreValType()
		c.Slot = d.u32("context slot")
	case CanonErrorContextNew, CanonErrorContextDebugMsg:
		c.Opts = d.canonOpts()
	case CanonWaitableSetWait, CanonWaitableSetPoll:
		c.Cancellable = d.flag("the cancellable immediate")
		c.Memory = d.u32("core memory index")
	case CanonThreadYield, CanonThreadSuspend, CanonThreadSuspendThenRes, CanonThreadYieldThenRes,
		CanonThreadSuspendThenProm, CanonThreadYieldThenProm:
		c.Cancellable = d.flag("the cancellable immediate")
	case CanonThreadNewIndirect:
		c.Type = d.u32("core type index")
		c.Table = d.u32("core table index")
	case CanonThreadSpawnRef:
		c.Shared = d.flag("the shared immediate")
		c.Type = d.u32("core type index")
	case CanonThreadSpawnIndirect:
		c.Shared = d.flag("the shared immediate")
		c.Type = d.u32("core type index")
		c.Table = d.u32("core table index")
	case CanonThreadParallelism:
		c.Shared = d.flag("the shared immediate")
	case CanonTaskCancel, CanonBackpressureSet, CanonBackpressureInc, CanonBackpressureDec,
		CanonSubtaskDrop, CanonErrorContextDrop, CanonWaitableSetNew, CanonWaitableSetDrop,
		CanonWaitableJoin, CanonThreadIndex, CanonThreadResumeLater:
	default:
		d.badByte(b, "canonical definition")
	}
	return c
}

func (d *decoder) zero(what string) {
	if b := d.byte(what); b != 0 {
		d.badByte(b, what)
	}
}

// canonOpts reads the options of a canonical definition. Each may stand once.
func (d *decoder) canonOpts() CanonOpts {
	var o CanonOpts
	for range d.count("canonical options") {
		if d.canonOpt(&o); d.err != nil {
			break
		}
	}
	return o
}

func (d *decoder) canonOpt(o *CanonOpts) {
	at := d.pos
	index := func(name string, into **uint32) {
		i := d.u32(name + " index")
		if *into != nil {
			d.failAt(at, "canonical option %s is given more than once", name)
			return
		}
		*into = &i
	}
	switch b := d.byte("canonical option"); b {
	case 0x00, 0x01, 0x02:
		if o.HasEncoding {
			d.failAt(at, "canonical options: more than one string encoding is given")
			return
		}
		o.Encoding, o.HasEncoding = StringEncoding(b), true
	case 0x03:
		index("memory", &o.Memory)
	case 0x04:
		index("realloc", &o.Realloc)
	case 0x05:
		index("post-return", &o.PostReturn)
	case 0x06:
		if o.Async {
			d.failAt(at, "canonical option async is given more than once")
		}
		o.Async = true
	case 0x07:
		index("callback", &o.Callback)
	default:
		d.badByte(b, "canonical option")
	}
}

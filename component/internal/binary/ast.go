// Package binary turns the bytes of a WebAssembly component into a tree of its definitions, in the
// order of the binary.
//
// The tree is syntax only: indices are not resolved and nothing is type-checked (package validate
// does that). Byte slices in the tree alias the input. Source:
// component-model/design/mvp/Binary.md.
package binary

// Component is one component, the outermost or a nested one.
type Component struct {
	Offset int // of the preamble in the input, in bytes
	Size   int // in bytes, preamble included
	// Defs are all definitions, in binary order; each appends to the index spaces as the format
	// says.
	Defs       []Def
	DefOffsets []int // of each definition in the input, in bytes, parallel to Defs
}

// Def is one definition of a component: *CoreModule, *CoreInstance, *CoreType, *Component,
// *Instance, *Alias, *Type, *Canon, *Start, *Import, *Export or *ValueDef.
type Def interface{ def() }

func (*CoreModule) def()   {}
func (*CoreInstance) def() {}
func (*CoreType) def()     {}
func (*Component) def()    {}
func (*Instance) def()     {}
func (*Alias) def()        {}
func (*Type) def()         {}
func (*Canon) def()        {}
func (*Start) def()        {}
func (*Import) def()       {}
func (*Export) def()       {}
func (*ValueDef) def()     {}

// Sort is an index space. The core ones carry the bit SortCore.
type Sort uint16

// The sorts, numbered as in the binary format.
const (
	SortFunc      Sort = 0x01
	SortValue     Sort = 0x02
	SortType      Sort = 0x03
	SortComponent Sort = 0x04
	SortInstance  Sort = 0x05

	SortCore         Sort = 0x100
	SortCoreFunc     Sort = SortCore // and 0x00
	SortCoreTable    Sort = SortCore | 0x01
	SortCoreMemory   Sort = SortCore | 0x02
	SortCoreGlobal   Sort = SortCore | 0x03
	SortCoreTag      Sort = SortCore | 0x04
	SortCoreType     Sort = SortCore | 0x10
	SortCoreModule   Sort = SortCore | 0x11
	SortCoreInstance Sort = SortCore | 0x12
)

// CoreModule is an embedded core module, verbatim.
type CoreModule struct {
	Offset int // of Bytes in the input
	Bytes  []byte
}

// CoreInstance defines a core instance: by instantiating a module (Inline false) or from named
// items (Inline true).
type CoreInstance struct {
	Inline  bool
	Module  uint32             // index of the core module, when not Inline
	Args    []CoreInstArg      // when not Inline
	Exports []CoreInlineExport // when Inline
}

// CoreInstArg is the core instance for one import module name.
type CoreInstArg struct {
	Name     string
	Instance uint32
}

// CoreInlineExport names an item of a core index space.
type CoreInlineExport struct {
	Name  string
	Sort  Sort
	Index uint32
}

// CoreType defines a core type: a module type, or recursive types (rec group, sub, function types).
type CoreType struct {
	Module *CoreModuleType // nil for other core types
	Raw    []byte          // the undecoded rectype otherwise
	Func   *CoreFuncType   // set when Raw is a plain final function type
	// Group lists the types that Raw defines, several with a recursive group; each appends to the
	// core type space.
	Group []CoreSubType
}

// CoreSubType is one type of a recursive group.
type CoreSubType struct {
	Final  bool
	Shared bool
	Supers []uint32
	Func   *CoreFuncType // nil for struct and array types
}

// CoreFuncType is a core function type; value types are the format's bytes (0x7f i32, 0x7e i64,
// 0x7d f32, 0x7c f64, 0x7b v128, 0x70 funcref, 0x6f externref and the other abbreviated reference
// types).
type CoreFuncType struct {
	Params, Results []CoreValType
}

// CoreValType is a core value type: one of the single-byte codes, or 0x63 or 0x64 (nullable or not)
// with the heap type in the upper bits (heap type << 8).
type CoreValType uint64

// CoreModuleType is a module type.
type CoreModuleType struct {
	Decls []CoreModuleDecl
}

// CoreModuleDecl is one declaration of a module type; exactly one field is set.
type CoreModuleDecl struct {
	Import *CoreImportDecl
	Type   *CoreType
	Alias  *CoreOuterAlias
	Export *CoreExportDecl
}

// CoreImportDecl is an import of a module type.
type CoreImportDecl struct {
	Module, Name string
	Desc         CoreExternType
}

// CoreExportDecl is an export of a module type.
type CoreExportDecl struct {
	Name string
	Desc CoreExternType
}

// CoreOuterAlias is the only alias allowed in a module type: outer, of a core type.
type CoreOuterAlias struct {
	Sort         Sort
	Count, Index uint32
}

// CoreExternType is the type of an imported or exported core item.
type CoreExternType struct {
	Sort      Sort   // SortCoreFunc, SortCoreTable, SortCoreMemory, SortCoreGlobal or SortCoreTag
	TypeIndex uint32 // func, tag
	Elem      CoreValType
	Limits    CoreLimits // table, memory
	Global    CoreValType
	Mutable   bool
}

// CoreLimits are the limits of a table or memory; Max is valid when HasMax.
type CoreLimits struct {
	Min, Max             uint64
	HasMax, Shared, Is64 bool
	PageSizeLog2         uint32 // 16 unless the custom-page-sizes form was used
}

// Instance defines a component instance: by instantiating a component or from named items.
type Instance struct {
	Inline    bool
	Component uint32
	Args      []InstArg
	Exports   []InlineExport
}

// InstArg is the item for one import of the instantiated component.
type InstArg struct {
	Name  string
	Sort  Sort
	Index uint32
}

// InlineExport names an item of an index space.
type InlineExport struct {
	Name  ExternName
	Sort  Sort
	Index uint32
}

// AliasTarget says what an Alias refers to.
type AliasTarget byte

// The alias targets, numbered as in the binary format.
const (
	AliasExport     AliasTarget = 0 // an export of a component instance
	AliasCoreExport AliasTarget = 1 // an export of a core instance
	AliasOuter      AliasTarget = 2 // an item of an enclosing component
)

// Alias appends an item of another instance or of an enclosing component to the index space Sort.
type Alias struct {
	Sort     Sort
	Target   AliasTarget
	Instance uint32 // AliasExport, AliasCoreExport
	Name     string // AliasExport, AliasCoreExport
	Count    uint32 // AliasOuter
	Index    uint32 // AliasOuter
}

// Type appends to the type index space. Exactly one field is set.
type Type struct {
	Value     *DefValType
	Func      *FuncType
	Component *ComponentType
	Instance  *InstanceType
	Resource  *ResourceType
}

// Opcode is the code of a component-level type constructor.
type Opcode byte

// The type opcodes, numbered as in the binary format.
const (
	OpBool         Opcode = 0x7f
	OpS8           Opcode = 0x7e
	OpU8           Opcode = 0x7d
	OpS16          Opcode = 0x7c
	OpU16          Opcode = 0x7b
	OpS32          Opcode = 0x7a
	OpU32          Opcode = 0x79
	OpS64          Opcode = 0x78
	OpU64          Opcode = 0x77
	OpF32          Opcode = 0x76
	OpF64          Opcode = 0x75
	OpChar         Opcode = 0x74
	OpString       Opcode = 0x73
	OpErrorContext Opcode = 0x64

	OpRecord    Opcode = 0x72
	OpVariant   Opcode = 0x71
	OpList      Opcode = 0x70
	OpFixedList Opcode = 0x67
	OpTuple     Opcode = 0x6f
	OpFlags     Opcode = 0x6e
	OpEnum      Opcode = 0x6d
	OpOption    Opcode = 0x6b
	OpResult    Opcode = 0x6a
	OpOwn       Opcode = 0x69
	OpBorrow    Opcode = 0x68
	OpStream    Opcode = 0x66
	OpFuture    Opcode = 0x65
	OpMap       Opcode = 0x63
)

// ValType is a use of a value type: a primitive (Prim not 0) or an index into the type index space.
type ValType struct {
	Prim  Opcode
	Index uint32
}

// DefValType is a defined value type.
type DefValType struct {
	Op     Opcode    // a primitive or a constructor
	Fields []Field   // OpRecord
	Cases  []Case    // OpVariant
	Labels []string  // OpFlags, OpEnum
	Types  []ValType // OpTuple
	Elem   *ValType  // OpList, OpFixedList, OpOption; OpMap; OpStream, OpFuture (or nil)
	Key    *ValType  // OpMap
	Len    uint32    // OpFixedList
	Ok     *ValType  // OpResult
	Err    *ValType  // OpResult
	Index  uint32    // OpOwn, OpBorrow: type index of the resource
}

// Field is a labelled value type.
type Field struct {
	Label string
	Type  ValType
}

// Case is a case of a variant.
type Case struct {
	Label string
	Type  *ValType // nil without payload
}

// FuncType is a component function type.
type FuncType struct {
	Async  bool
	Params []Field
	Result *ValType // nil without result
}

// ResourceType is a resource definition; its representation is i32.
type ResourceType struct {
	Rep     CoreValType
	Dtor    uint32 // core function index, when HasDtor
	HasDtor bool
	// DtorAsync and DtorCallback hold the forms that later revisions of the format gave to
	// destructors.
	DtorAsync    bool
	DtorCallback *uint32
}

// ComponentType is a component type.
type ComponentType struct {
	Decls []Decl
}

// InstanceType is an instance type.
type InstanceType struct {
	Decls []Decl
}

// Decl is a declaration of a component or instance type; exactly one field is set (Import only in
// component types).
type Decl struct {
	CoreType *CoreType
	Type     *Type
	Alias    *Alias
	Import   *ImportDecl
	Export   *ExportDecl
}

// ImportDecl declares an import of a component type.
type ImportDecl struct {
	Name ExternName
	Type ExternType
}

// ExportDecl declares an export of a component or instance type.
type ExportDecl struct {
	Name ExternName
	Type ExternType
}

// ExternName is the name of an import or export with its attributes, which are invisible to type
// checking.
type ExternName struct {
	Name          string
	Implements    string // interface name, "" without
	VersionSuffix string // "" without
	ExternalID    string // "" without
	HasAttrs      bool   // the form with attributes (0x02) was used

	HasImplements, HasVersionSuffix, HasExternalID bool // the attribute is present, even if empty
}

// BoundKind is the kind of a type bound.
type BoundKind byte

// The type bounds, numbered as in the binary format.
const (
	BoundEq  BoundKind = 0
	BoundSub BoundKind = 1 // a fresh resource
)

// ExternType describes what is imported or exported.
type ExternType struct {
	Sort Sort // SortCoreModule, SortFunc, SortValue, SortType, SortComponent or SortInstance
	// Index is a type index: of a core type for SortCoreModule, else of a component type; for
	// SortType with BoundEq that of the type which it equals.
	Index uint32
	Bound BoundKind // SortType
	Value *ValType  // SortValue by type
	ValEq bool      // SortValue: equal to the value of Index
}

// Import appends an imported item to the index space of Type.Sort.
type Import struct {
	Name ExternName
	Type ExternType
}

// Export exports an item and appends it to the index space of Sort.
type Export struct {
	Name  ExternName
	Sort  Sort
	Index uint32
	Type  *ExternType // ascribed, nil without
}

// CanonOp is a canonical definition, numbered as in the binary format.
type CanonOp byte

// The canonical definitions.
const (
	CanonLift                  CanonOp = 0x00
	CanonLower                 CanonOp = 0x01
	CanonResourceNew           CanonOp = 0x02
	CanonResourceDrop          CanonOp = 0x03
	CanonResourceRep           CanonOp = 0x04
	CanonTaskCancel            CanonOp = 0x05
	CanonSubtaskCancel         CanonOp = 0x06
	CanonBackpressureSet       CanonOp = 0x08 // withdrawn from the format, met in older binaries
	CanonTaskReturn            CanonOp = 0x09
	CanonContextGet            CanonOp = 0x0a
	CanonContextSet            CanonOp = 0x0b
	CanonThreadYield           CanonOp = 0x0c
	CanonSubtaskDrop           CanonOp = 0x0d
	CanonStreamNew             CanonOp = 0x0e
	CanonStreamRead            CanonOp = 0x0f
	CanonStreamWrite           CanonOp = 0x10
	CanonStreamCancelRead      CanonOp = 0x11
	CanonStreamCancelWrite     CanonOp = 0x12
	CanonStreamDropReadable    CanonOp = 0x13
	CanonStreamDropWritable    CanonOp = 0x14
	CanonFutureNew             CanonOp = 0x15
	CanonFutureRead            CanonOp = 0x16
	CanonFutureWrite           CanonOp = 0x17
	CanonFutureCancelRead      CanonOp = 0x18
	CanonFutureCancelWrite     CanonOp = 0x19
	CanonFutureDropReadable    CanonOp = 0x1a
	CanonFutureDropWritable    CanonOp = 0x1b
	CanonErrorContextNew       CanonOp = 0x1c
	CanonErrorContextDebugMsg  CanonOp = 0x1d
	CanonErrorContextDrop      CanonOp = 0x1e
	CanonWaitableSetNew        CanonOp = 0x1f
	CanonWaitableSetWait       CanonOp = 0x20
	CanonWaitableSetPoll       CanonOp = 0x21
	CanonWaitableSetDrop       CanonOp = 0x22
	CanonWaitableJoin          CanonOp = 0x23
	CanonBackpressureInc       CanonOp = 0x24
	CanonBackpressureDec       CanonOp = 0x25
	CanonThreadIndex           CanonOp = 0x26
	CanonThreadNewIndirect     CanonOp = 0x27
	CanonThreadResumeLater     CanonOp = 0x28
	CanonThreadSuspend         CanonOp = 0x29
	CanonThreadSuspendThenRes  CanonOp = 0x2a
	CanonThreadYieldThenRes    CanonOp = 0x2b
	CanonThreadSuspendThenProm CanonOp = 0x2c
	CanonThreadYieldThenProm   CanonOp = 0x2d
	CanonThreadSpawnRef        CanonOp = 0x40
	CanonThreadSpawnIndirect   CanonOp = 0x41
	CanonThreadParallelism     CanonOp = 0x42
)

// Canon is a canonical definition: lift appends a function, all others a core function.
type Canon struct {
	Op   CanonOp
	Opts CanonOpts
	// Func is the core function (lift), the function (lower).
	Func uint32
	// Type is a type index: the function type (lift), the resource (resource.*), the stream or
	// future type; for thread.new-indirect and spawn the core type.
	Type uint32
	// Result is task.return's result type, nil without.
	Result *ValType
	// Async marks the async form of cancel-read, cancel-write and subtask.cancel.
	Async bool
	// Cancellable is the immediate of yield, suspend, wait and poll.
	Cancellable bool
	// Slot is the context slot, ValType its type (context.get, context.set).
	Slot    uint32
	ValType CoreValType
	// Memory is the memory index of waitable-set.wait and poll; Table the table of
	// thread.new-indirect and spawn-indirect.
	Memory uint32
	Table  uint32
	Shared bool
}

// StringEncoding is a canonical option.
type StringEncoding byte

// The string encodings.
const (
	UTF8 StringEncoding = iota
	UTF16
	Latin1UTF16
)

// CanonOpts are the options of a canonical definition.
type CanonOpts struct {
	Encoding    StringEncoding
	HasEncoding bool
	Memory      *uint32 // core memory index
	Realloc     *uint32 // core function index
	PostReturn  *uint32 // core function index
	Async       bool
	Callback    *uint32 // core function index
}

// Start is a start definition (gated in the format; refused by validation).
type Start struct {
	Func    uint32
	Args    []uint32
	Results uint32
}

// ValueDef is a value definition (gated in the format; refused by validation).
type ValueDef struct {
	Type ValType
	Data []byte
}

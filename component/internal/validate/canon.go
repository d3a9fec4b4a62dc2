package validate

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// Canon returns the function that a lift makes, and appends the core function that all others make.
// The rules are those of CanonicalABI.md, "Canonical Definitions".
func (s *scope) Canon(c *binary.Canon) (e entity, err error) {
	if err := s.checkOpts(&c.Opts); err != nil {
		return e, fmt.Errorf("%s: %w", CanonName(c.Op), err)
	}
	if need := canonFeature(c); !s.v.has(need) {
		return e, fmt.Errorf("%s is not supported", CanonName(c.Op))
	}
	if c.Op == binary.CanonLift {
		t, err := s.lift(c)
		if err != nil {
			return e, fmt.Errorf("lift of core function %d: %w", c.Func, err)
		}
		return entity{sort: binary.SortFunc, fn: t}, nil
	}
	f, err := s.builtin(c)
	if err != nil {
		if c.Op == binary.CanonLower {
			return e, fmt.Errorf("lower of function %d: %w", c.Func, err)
		}
		return e, fmt.Errorf("%s: %w", CanonName(c.Op), err)
	}
	s.coreItems[binary.SortCoreFunc] = append(s.coreItems[binary.SortCoreFunc],
		coreItem{sort: binary.SortCoreFunc, fn: f})
	return e, nil
}

// checkOpts checks the options as far as they can be without knowing what they are for.
func (s *scope) checkOpts(o *binary.CanonOpts) error {
	if o.Memory != nil {
		if err := s.checkMemory(*o.Memory); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name            string
		index           *uint32
		params, results []byte
	}{
		{"realloc", o.Realloc, []byte{i32, i32, i32, i32}, []byte{i32}},
		{"callback", o.Callback, []byte{i32, i32, i32}, []byte{i32}},
	} {
		if f.index == nil {
			continue
		}
		fn, err := s.coreFuncAt(*f.index)
		if err != nil {
			return fmt.Errorf("canonical option %s: %w", f.name, err)
		}
		if err := fn.expect("the canonical option "+f.name, f.params, f.results); err != nil {
			return err
		}
	}
	switch {
	case o.Realloc != nil && o.Memory == nil:
		return fmt.Errorf("canonical option realloc requires memory to be given too")
	case o.Callback != nil && !o.Async:
		return fmt.Errorf("canonical option callback requires async to be given too")
	case o.PostReturn != nil && o.Async:
		return fmt.Errorf("canonical option post-return cannot be given together with async")
	}
	return nil
}

func (s *scope) checkMemory(index uint32) error {
	mem, err := s.coreItemAt(binary.SortCoreMemory, index)
	switch {
	case err != nil:
		return err
	case mem.limits.Is64:
		return fmt.Errorf("core memory %d has 64-bit addresses, which are not supported", index)
	case mem.limits.Shared:
		return fmt.Errorf("core memory %d is shared, which is not supported", index)
	case mem.limits.PageSizeLog2 != 16:
		return fmt.Errorf("core memory %d has pages that are not of 64 KiB", index)
	}
	return nil
}

// onlyOpts refuses the options that a canonical definition does not take.
func onlyOpts(o *binary.CanonOpts, realloc, postReturn, callback, async bool) error {
	switch {
	case o.Realloc != nil && !realloc:
		return fmt.Errorf("canonical option realloc cannot be given here")
	case o.PostReturn != nil && !postReturn:
		return fmt.Errorf("canonical option post-return cannot be given here")
	case o.Callback != nil && !callback:
		return fmt.Errorf("canonical option callback cannot be given here")
	case o.Async && !async:
		return fmt.Errorf("canonical option async cannot be given here")
	}
	return nil
}

func requireMemory(o *binary.CanonOpts) error {
	if o.Memory == nil {
		return fmt.Errorf("canonical option memory is required")
	}
	return nil
}

// requireLower demands what passing f out of a core module needs, requireLift what passing it in
// needs, in the sense of CanonicalABI.md, "canonopt Validation".
func requireLower(o *binary.CanonOpts, f facts) error {
	if f.hasList {
		return requireMemory(o)
	}
	return nil
}

func requireLift(o *binary.CanonOpts, f facts) error {
	if err := requireLower(o, f); err != nil {
		return err
	}
	if f.hasList && o.Realloc == nil {
		return fmt.Errorf("canonical option realloc is required")
	}
	return nil
}

func (s *scope) lift(c *binary.Canon) (*funcType, error) {
	callee, err := s.coreFuncAt(c.Func)
	if err != nil {
		return nil, err
	}
	found, err := s.typeAt(c.Type)
	if err != nil {
		return nil, err
	}
	t, ok := found.(*funcType)
	if !ok {
		return nil, fmt.Errorf("type index %d is not a function type but %s", c.Type,
			article(typeKind(found)))
	}
	o := &c.Opts
	if o.Async && !t.async {
		return nil, fmt.Errorf("the canonical option async requires an async function type")
	}
	if o.Async && o.Callback == nil && !s.v.has(StackfulAsync) {
		return nil, fmt.Errorf("the canonical option async requires a callback")
	}
	params, result := t.paramFacts, t.resultFacts
	if err := requireLift(o, params); err != nil {
		return nil, err
	}
	if err := requireLower(o, result); err != nil {
		return nil, err
	}
	flat, spilled := liftedParams(params)
	if spilled && o.Realloc == nil {
		return nil, fmt.Errorf(
			"canonical option realloc is required: the parameters take more than %d core values",
			maxFlatParams)
	}
	maxResults := maxFlatResults
	if o.Async {
		maxResults = maxFlatParams
	}
	if len(result.flat) > maxResults {
		if err := requireMemory(o); err != nil {
			return nil, err
		}
	}
	want := plainFunc(flat, liftedResults(o, result))
	if !coreValsEqual(callee.params, want.params) {
		return nil, fmt.Errorf("the core function has the wrong parameters: expected %s, found %s",
			want, callee)
	}
	if !coreValsEqual(callee.results, want.results) {
		return nil, fmt.Errorf("the core function has the wrong results: expected %s, found %s",
			want, callee)
	}
	if o.PostReturn != nil {
		post, err := s.coreFuncAt(*o.PostReturn)
		if err != nil {
			return nil, fmt.Errorf("canonical option post-return: %w", err)
		}
		err = post.expect("the canonical option post-return", liftedResults(o, result), nil)
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

func coreValsEqual(a, b []coreVal) bool {
	return (&coreFunc{params: a}).equal(&coreFunc{params: b})
}

// liftedParams are the core parameters of a lifted function; spilled if a pointer stands for them.
func liftedParams(params facts) (flat []byte, spilled bool) {
	if len(params.flat) > maxFlatParams {
		return []byte{i32}, true
	}
	return params.flat, false
}

func liftedResults(o *binary.CanonOpts, result facts) []byte {
	switch {
	case o.Async && o.Callback != nil:
		return []byte{i32}
	case o.Async:
		return nil
	case len(result.flat) > maxFlatResults:
		return []byte{i32}
	}
	return result.flat
}

func (s *scope) lower(c *binary.Canon) (*coreFunc, error) {
	lowered, err := s.At(binary.SortFunc, c.Func)
	if err != nil {
		return nil, err
	}
	o := &c.Opts
	if err := onlyOpts(o, true, false, false, true); err != nil {
		return nil, err
	}
	t := lowered.fn
	params, result := t.paramFacts, t.resultFacts
	if err := requireLower(o, params); err != nil {
		return nil, err
	}
	if err := requireLift(o, result); err != nil {
		return nil, err
	}
	maxParams, maxResults := maxFlatParams, maxFlatResults
	if o.Async {
		if !t.async {
			return nil, fmt.Errorf("the canonical option async requires an async function type")
		}
		maxParams, maxResults = maxFlatAsync, 0
	}
	flat, results := params.flat, result.flat
	if len(flat) > maxParams {
		if err := requireMemory(o); err != nil {
			return nil, err
		}
		flat = []byte{i32}
	}
	if len(results) > maxResults {
		if err := requireMemory(o); err != nil {
			return nil, err
		}
		flat = append(flat[:len(flat):len(flat)], i32)
		results = nil
	}
	if o.Async {
		results = []byte{i32}
	}
	return plainFunc(flat, results), nil
}

package profile

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"
)

// page is the page with a flame graph, whose data take the place of mark.
//
//go:embed flame.html
var page string

const mark = `"DATA"`

// node is a function in the tree of calls, with what was spent in it and below.
type node struct {
	Name  string  `json:"n"`
	Where string  `json:"w,omitempty"`
	CPU   int64   `json:"c"` // microseconds
	Wait  int64   `json:"t,omitempty"`
	Below []*node `json:"b,omitempty"`
}

// HTML writes a page with a flame graph: one file, which loads nothing.
func (p *Profile) HTML(w io.Writer) error {
	root := &node{Name: "all"}
	var cpu, wait time.Duration
	for _, s := range p.sorted() {
		cpu, wait = cpu+s.CPU, wait+s.Wait
		at := root
		for _, f := range slices.Backward(s.Stack) {
			at = at.child(f)
			at.CPU += s.CPU.Microseconds()
			at.Wait += s.Wait.Microseconds()
		}
	}
	root.CPU, root.Wait = cpu.Microseconds(), wait.Microseconds()
	data, err := json.Marshal(struct { // which escapes what could end a script
		Root    *node  `json:"root"`
		Comment string `json:"comment"`
		Began   string `json:"began"`
	}{root, p.Comment, p.Began.UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, strings.Replace(page, mark, string(data), 1))
	return err
}

// child returns the node of a function below n. Lines of one function are one node.
func (n *node) child(f Frame) *node {
	where := cmp.Or(f.File, f.Module)
	for _, c := range n.Below {
		if c.Name == f.Func && c.Where == where {
			return c
		}
	}
	c := &node{Name: f.Func, Where: where}
	n.Below = append(n.Below, c)
	return c
}

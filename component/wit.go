package component

import "github.com/wasihttp/wasihttp/component/internal/wit"

// WIT describes the component as WIT text: a world of its imports and exports, then the interfaces
// of them as far as the component spells them out. The same component always gives the same text.
// Other tools can read it for components that were made from WIT; what WIT has no words for, such
// as an imported core module, stands in comments, and types without a name are written out where
// they are used.
func (c *Component) WIT() string { return wit.Text(c.ast) }

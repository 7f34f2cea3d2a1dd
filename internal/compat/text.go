package main

import (
	"fmt"
	"go/types"
	"regexp"
	"strings"
)

// mismatch puts two types beside each other; member says of what, or is empty for the identifier itself.
func (c *comparer) mismatch(member string, theirs, ours types.Type) string {
	if member != "" {
		kind, name, _ := strings.Cut(member, " ")
		member = fmt.Sprintf("%s `%s` ", kind, name)
	}
	return fmt.Sprintf("%sis %s, Temporal has %s", member, c.text(ours), c.text(theirs))
}

// qualifiedName finds the import path and name of each type that types.TypeString wrote.
var qualifiedName = regexp.MustCompile(`[A-Za-z][\w.\-]*(?:/[\w.\-]+)*\.\w+`)

// text writes a type with the names that a rewritten program gives its parts, as code.
func (c *comparer) text(t types.Type) string {
	full := types.TypeString(t, func(p *types.Package) string { return p.Path() })
	short := qualifiedName.ReplaceAllStringFunc(full, func(s string) string {
		dot := strings.LastIndexByte(s, '.')
		path, name := s[:dot], s[dot+1:]
		if pkg := c.theirs.packages[path]; pkg != nil {
			if obj, ok := pkg.Scope().Lookup(name).(*types.TypeName); ok && len(c.names[obj]) > 0 {
				return c.names[obj][0].String()
			}
		}
		return shortName(rewrite(path)) + "." + name
	})
	return "`" + strings.ReplaceAll(short, "interface{}", "any") + "`"
}

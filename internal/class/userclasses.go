package class

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// userClassList returns the classes in the value of option 77.
func userClassList(def option.Def, raw []byte) ref.Val {
	var elems []ref.Val
	all := dhcpv4.UserClassesOf(raw)
	for class, ok := all.Next(); ok; class, ok = all.Next() {
		if len(elems) == maxItems {
			return malformed(def, errTooMany)
		}
		elems = append(elems, types.String(class))
	}
	return newList(elems)
}

// userClasses returns the variable "user_classes": those in option 77, and none where it was not sent.
func (v *view) userClasses() ref.Val {
	raw, _ := v.client.option(option.CodeUserClass)
	if v.classes.value == nil || string(v.classes.raw) != string(raw) {
		v.classes.put(raw, userClassList(v.registry.ByCode(option.DHCPv4, option.CodeUserClass), raw))
	}
	return v.classes.value
}

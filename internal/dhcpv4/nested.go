package dhcpv4

import "github.com/lessor-dhcp/lessor/internal/option"

// SubOption returns the value of the first sub-option with this code in option 82 (RFC 3046 §2.0); false if it is not
// there, or stands behind one that ends beyond info.
func SubOption(info []byte, code uint8) ([]byte, bool) {
	for {
		c, v, rest, ok := option.CutSub(info)
		if !ok {
			return nil, false
		}
		if c == code {
			return v, true
		}
		info = rest
	}
}

// UserClasses walks the classes in option 77, in either encoding: each class with its length (RFC 3004), or one class
// as it is, which many clients send.
type UserClasses struct {
	rest    []byte
	counted bool
}

// UserClassesOf returns a walk over the classes in value.
func UserClassesOf(value []byte) UserClasses {
	return UserClasses{value, option.IsCountedUserClass(value)}
}

// Next returns the next class, false if there is no more.
func (u *UserClasses) Next() ([]byte, bool) {
	if len(u.rest) == 0 {
		return nil, false
	}
	if !u.counted {
		class := u.rest
		u.rest = nil
		return class, true
	}
	class, rest, ok := option.CutCounted(u.rest)
	u.rest = rest
	return class, ok
}

// VendorClasses walks what a client says of one enterprise in option 124 (RFC 3925 §3).
type VendorClasses struct{ blocks enterpriseBlocks }

// VendorClassesOf returns a walk over the values in option 124 that belong to an enterprise.
func VendorClassesOf(value []byte, enterprise uint32) VendorClasses {
	return VendorClasses{enterpriseBlocks{rest: value, enterprise: enterprise}}
}

// Next returns the next value, false if there is no more.
func (v *VendorClasses) Next() ([]byte, bool) {
	for {
		if value, rest, ok := option.CutCounted(v.blocks.data); ok {
			v.blocks.data = rest
			return value, true
		}
		if !v.blocks.next() {
			return nil, false
		}
	}
}

// VendorOptions walks an enterprise's options in option 125 (RFC 3925 §4).
type VendorOptions struct{ blocks enterpriseBlocks }

// VendorOptionsOf returns a walk over the options in option 125 that belong to an enterprise.
func VendorOptionsOf(value []byte, enterprise uint32) VendorOptions {
	return VendorOptions{enterpriseBlocks{rest: value, enterprise: enterprise}}
}

// Next returns the next option, false if there is no more.
func (v *VendorOptions) Next() (code uint8, value []byte, ok bool) {
	for {
		if c, value, rest, ok := option.CutSub(v.blocks.data); ok {
			v.blocks.data = rest
			return c, value, true
		}
		if !v.blocks.next() {
			return 0, nil, false
		}
	}
}

// enterpriseBlocks walks the blocks of one enterprise in a vendor-identifying option; data is what is left of one.
type enterpriseBlocks struct {
	rest, data []byte
	enterprise uint32
}

func (e *enterpriseBlocks) next() bool {
	for {
		number, data, rest, ok := option.CutEnterprise(e.rest)
		if !ok {
			e.rest, e.data = nil, nil
			return false
		}
		e.rest = rest
		if number == e.enterprise {
			e.data = data
			return true
		}
	}
}

// Enterprises walks the blocks of options 124 and 125, whatever the enterprise.
type Enterprises struct{ rest []byte }

// EnterprisesOf returns a walk over the blocks in value.
func EnterprisesOf(value []byte) Enterprises { return Enterprises{value} }

// Next returns the next block, false if there is no more.
func (e *Enterprises) Next() (enterprise uint32, data []byte, ok bool) {
	number, data, rest, ok := option.CutEnterprise(e.rest)
	e.rest = rest
	return number, data, ok
}

// SPDX-License-Identifier: GPL-2.0-only

package ktstr

import (
	"encoding/json"
	"strconv"
)

// mapTypeStructOps is the kernel's BPF_MAP_TYPE_STRUCT_OPS.
const mapTypeStructOps = "26"

// opsName finds the name of the scheduler: ktstr renders the struct_ops map
// that registers it as the kernel's struct sched_ext_ops, member by member.
type opsName struct {
	found   string
	several bool // there are maps with different names: which is in force cannot be told
}

// name is the name, "" if it is unknown.
func (o *opsName) name() string {
	if o.several {
		return ""
	}
	return o.found
}

// mapSink takes a map.
func (o *opsName) mapSink() *sink {
	isOps, name := false, ""
	return &sink{
		scalar: func(key string, v json.Token) {
			if n, ok := v.(json.Number); ok && key == "map_type" {
				isOps = n.String() == mapTypeStructOps
			}
		},
		child: func(key string) *sink {
			if key != "value" {
				return nil
			}
			return structSink(func(n string) { name = n })
		},
		end: func() {
			if !isOps || name == "" {
				return
			}
			o.several = o.several || o.found != "" && o.found != name
			o.found = name
		},
	}
}

// structSink takes a struct sched_ext_ops and hands on its member "name".
func structSink(found func(string)) *sink {
	typeName, name := "", ""
	return &sink{
		scalar: func(key string, v json.Token) {
			if s, ok := v.(string); ok && key == "type_name" {
				typeName = clip(s, maxName)
			}
		},
		child: func(key string) *sink {
			if key != "members" {
				return nil
			}
			return list(func() *sink { return memberSink(func(n string) { name = n }) })
		},
		end: func() {
			if typeName == "sched_ext_ops" {
				found(name)
			}
		},
	}
}

// memberSink takes a member of a struct. Its name comes before its value.
func memberSink(found func(string)) *sink {
	isName := false
	return &sink{
		scalar: func(key string, v json.Token) {
			if key == "name" {
				isName = v == "name"
			}
		},
		child: func(key string) *sink {
			if key != "value" || !isName {
				return nil
			}
			return charsSink(found)
		},
	}
}

// maxOpsName is the size of the name in the kernel, its final NUL included
// (SCX_OPS_NAME_LEN).
const maxOpsName = 128

// charsSink takes an array of characters, each rendered as a number, and hands on
// the text up to the first NUL.
func charsSink(found func(string)) *sink {
	var text []byte
	ended := false
	element := func() *sink {
		return &sink{scalar: func(key string, v json.Token) {
			if key != "value" || ended {
				return
			}
			n, _ := v.(json.Number)
			c, err := strconv.ParseInt(n.String(), 10, 16)
			if err != nil || c == 0 || c < -128 || c > 255 || len(text) == maxOpsName {
				ended = true
				return
			}
			text = append(text, byte(c)) // a signed char, too
		}}
	}
	return &sink{
		child: func(key string) *sink {
			if key != "elements" {
				return nil
			}
			return list(element)
		},
		end: func() { found(string(text)) },
	}
}

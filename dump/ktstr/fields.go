// SPDX-License-Identifier: GPL-2.0-only

package ktstr

import (
	"encoding/json"
	"strconv"

	"scxdiag/dump"
)

// fields are scalars of an object by their names. A field that is null or not
// there is unknown; one that is not of the kind asked for is, too, and counted.
type fields struct {
	m   map[string]json.Token
	bad *int
}

// set keeps a field, the beginning of a long string.
func (f fields) set(key string, v json.Token) {
	if s, ok := v.(string); ok {
		v = clip(s, maxName)
	}
	f.m[key] = v
}

func (f fields) uint(key string, most uint64) dump.Value[uint64] {
	v := f.m[key]
	if v == nil {
		return dump.Value[uint64]{}
	}
	n, _ := v.(json.Number)
	u, err := strconv.ParseUint(n.String(), 10, 64)
	if err != nil || u > most {
		*f.bad++
		return dump.Value[uint64]{}
	}
	return dump.Of(u)
}

func (f fields) str(key string) dump.Value[string] {
	v := f.m[key]
	if v == nil {
		return dump.Value[string]{}
	}
	s, ok := v.(string)
	if !ok {
		*f.bad++
		return dump.Value[string]{}
	}
	return dump.Of(clip(s, maxName))
}

// reason is a string that is no name, "" if it is unknown.
func (f fields) reason(key string) string {
	s, _ := f.m[key].(string)
	return clip(s, maxReason)
}

func (f fields) boolean(key string) dump.Value[bool] {
	v := f.m[key]
	if v == nil {
		return dump.Value[bool]{}
	}
	b, ok := v.(bool)
	if !ok {
		*f.bad++
		return dump.Value[bool]{}
	}
	return dump.Of(b)
}

// convert is a value in another type, which must have room for it.
func convert[T ~int32 | ~uint32 | ~int64 | ~uint64](v dump.Value[uint64]) dump.Value[T] {
	return dump.Value[T]{V: T(v.V), Known: v.Known}
}

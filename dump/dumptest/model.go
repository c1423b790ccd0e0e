// SPDX-License-Identifier: GPL-2.0-only

// Package dumptest makes snapshots for tests that must hold for every field of
// the model, those included that a later version adds.
package dumptest

import (
	"reflect"
	"time"

	"scxdiag/dump"
)

// Filled makes a snapshot in which everything is known and nothing zero: each
// list has one element, each number is 1, each string is text.
func Filled(text string) *dump.Snapshot {
	var s dump.Snapshot
	fill(reflect.ValueOf(&s).Elem(), text)
	return &s
}

func fill(v reflect.Value, text string) {
	switch p := v.Addr().Interface().(type) {
	case *dump.CPUMask:
		*p = dump.MaskOf(1, 600)
		return
	case *time.Time:
		*p = time.Unix(1, 1).UTC()
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	default:
		if v.CanInt() {
			v.SetInt(1)
		} else {
			v.SetUint(1)
		}
	}
}

// MapText replaces the text of a snapshot: every field of type string. Fields
// of named string types, which hold words of this program, stay.
func MapText(s *dump.Snapshot, f func(string) string) { mapText(reflect.ValueOf(s).Elem(), f) }

func mapText(v reflect.Value, f func(string) string) {
	switch {
	case v.Type() == reflect.TypeFor[dump.CPUMask](), v.Type() == reflect.TypeFor[time.Time]():
	case v.Type() == reflect.TypeFor[string]():
		v.SetString(f(v.String()))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			mapText(v.Field(i), f)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			mapText(v.Index(i), f)
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		mapText(v.Elem(), f)
	}
}

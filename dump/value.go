// SPDX-License-Identifier: GPL-2.0-only

package dump

// Span is a range of bytes in Snapshot.Raw. The zero Span is nowhere: the
// value did not come from text.
type Span struct {
	Off uint32 // of the first byte
	Len uint32 // in bytes
}

// IsZero reports whether the span points nowhere.
func (s Span) IsZero() bool { return s == Span{} }

// End is the offset of the first byte behind the span.
func (s Span) End() uint32 { return s.Off + s.Len }

// To is the span from the start of s to the end of t.
func (s Span) To(t Span) Span {
	if t.End() < s.End() {
		return s
	}
	return Span{Off: s.Off, Len: t.End() - s.Off}
}

// Value is one value of a snapshot: unknown until set, and, if it was read
// from text, where it stands there.
type Value[T any] struct {
	V     T    // meaningless unless Known
	Known bool // the source had the value and it could be trusted
	At    Span // zero if the value did not come from text
}

// Of is a known value that does not come from text.
func Of[T any](v T) Value[T] { return Value[T]{V: v, Known: true} }

// OfAt is a known value that was read from the bytes at.
func OfAt[T any](v T, at Span) Value[T] { return Value[T]{V: v, Known: true, At: at} }

// Get returns the value and whether it is known.
func (v Value[T]) Get() (T, bool) { return v.V, v.Known }

// Or returns the value, or def if it is unknown.
func (v Value[T]) Or(def T) T {
	if v.Known {
		return v.V
	}
	return def
}

// KV is a key with its value as the source had it: a field of scheduler text,
// or one that this program does not know.
type KV struct {
	Key   string
	Value string
	At    Span
}

// Line is a line of text as the source had it, its carrier's prefix and the
// kernel's indentation removed.
type Line struct {
	Text string
	At   Span
}

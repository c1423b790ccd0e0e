// SPDX-License-Identifier: GPL-2.0-only

package wire

import "testing"

func TestSmoke(t *testing.T) {
	var got []*Dump
	a := NewAssembler(Options{}, func(d *Dump) { got = append(got, d) })
	h := Header{Dump: 7}
	for _, r := range [][]byte{
		Host{HZ: 250, Enabled: 4, Release: "7.3.4", Scheduler: "scxdiag", Boot: 1e18}.Append(nil),
		Begin{Header: h, Trigger: TriggerSample}.Append(nil),
		Task{Header: h, PID: 3}.Append(nil),
		End{Header: h, Sent: [Kinds]uint64{KindBegin: 1, KindTask: 1}}.Append(nil),
	} {
		if err := a.Add(r); err != nil {
			t.Error(err)
		}
	}
	if len(got) != 1 || !got[0].Snapshot.Ledger.Complete() {
		t.Fatalf("got %+v", got)
	}
}

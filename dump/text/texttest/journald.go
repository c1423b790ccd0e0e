// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// journaldCarriers are the shapes of journalctl's output. Journald drops empty
// lines.
var journaldCarriers = []Carrier{
	journald("journald-short", func(j *journal) string { return j.now.Format("Jan _2 15:04:05 ") + j.id() }),
	journald("journald-two-digit-day", func(j *journal) string { return j.now.Format("Jan 02 15:04:05 ") + j.id() }),
	journald("journald-iso", func(j *journal) string { return j.now.Format("2006-01-02T15:04:05-0700 ") + j.id() }),
	journald("journald-iso-colon", func(j *journal) string { return j.now.Format("2006-01-02T15:04:05-07:00 ") + j.id() }),
	journald("journald-iso-precise", func(j *journal) string { return j.now.Format("2006-01-02T15:04:05.000000-07:00 ") + j.id() }),
	journald("journald-full", func(j *journal) string { return j.now.Format("Mon 2006-01-02 15:04:05 MST ") + j.id() }),
	journald("journald-precise", func(j *journal) string { return j.now.Format("Jan 02 15:04:05.000000 ") + j.id() }),
	journald("journald-monotonic", func(j *journal) string { return fmt.Sprintf("[%12.6f] ", j.mono()) + j.id() }),
	journald("journald-unix", func(j *journal) string { return fmt.Sprintf("%.6f ", float64(j.now.UnixMicro())/1e6) + j.id() }),
	journald("journald-with-unit", func(j *journal) string {
		return j.now.Format("Mon 2006-01-02 15:04:05 MST ") + fmt.Sprintf("%s scx.service[%d]: ", j.host, j.pid)
	}),
	journald("journald-month-pl", localised("paź")),
	journald("journald-month-cs", localised("říj")),
	journald("journald-month-de", localised("Dez")),
	journald("journald-month-fr", localised("déc.")),
	journald("journald-month-ru", localised("дек")),
	journald("journald-month-uk", localised("жов")),
	journald("journald-month-ja", localised("10月")),
	journald("journald-month-zh", localised("11月")),
	journald("journald-month-number", localised("11")),
	journald("journald-no-host", func(j *journal) string { return j.now.Format("Jan 02 15:04:05 ") + j.program() }),
	journald("journald-no-month", func(j *journal) string { return j.now.Format("02 15:04:05 ") + j.id() }),
	journald("journald-no-date", func(j *journal) string { return j.now.Format("15:04:05 ") + j.id() }),
	journald("journald-no-time", func(j *journal) string { return j.id() }),
	journald("journald-only-program", func(j *journal) string { return j.program() }),
	{Name: "journald-other-units", Stage: Logger, PlainOnly: true, Apply: func(rng *rand.Rand, t Text) Text {
		j := newJournal(rng)
		j.others = true
		return j.log(t, func(j *journal) string { return j.now.Format("Jan 02 15:04:05 ") + j.id() })
	}},
	{Name: "journald-keeps-blanks", Stage: Logger, PlainOnly: true, Apply: func(rng *rand.Rand, t Text) Text {
		j := newJournal(rng)
		j.blanks = true
		return j.log(t, func(j *journal) string { return j.now.Format("Jan 02 15:04:05 ") + j.id() })
	}},
}

// journal writes records of one program.
type journal struct {
	rng         *rand.Rand
	now         time.Time
	host, ident string
	pid         int
	others      bool // records of other units stand in between
	blanks      bool // empty lines are kept
}

func newJournal(rng *rand.Rand) *journal {
	return &journal{
		rng:   rng,
		now:   time.Date(2026, 11, 3+rng.IntN(26), 7, 33, 30, rng.IntN(1e9), time.FixedZone("CET", 3600)),
		host:  []string{"host", "build-7", "cachyos", "node3.example.org", "fedora"}[rng.IntN(5)],
		ident: []string{"scx_mitosis", "scx_loader", "scx_qmap", "bash", "scx-wrapper"}[rng.IntN(5)],
		pid:   1 + rng.IntN(99999),
	}
}

// unstamped are the forms in which a record's start does not show in the middle
// of a line.
var unstamped = []string{"journald-unix", "journald-month-number", "journald-no-month", "journald-no-date", "journald-no-time", "journald-only-program"}

func journald(name string, prefix func(*journal) string) Carrier {
	stamped := !slices.Contains(unstamped, name)
	return Carrier{Name: name, Stage: Logger, PlainOnly: true, Stamped: stamped, Apply: func(rng *rand.Rand, t Text) Text {
		return newJournal(rng).log(t, prefix)
	}}
}

// localised is the short form with a month as another language writes it.
func localised(month string) func(*journal) string {
	return func(j *journal) string { return month + j.now.Format(" 02 15:04:05 ") + j.id() }
}

func (j *journal) program() string { return fmt.Sprintf("%s[%d]: ", j.ident, j.pid) }
func (j *journal) id() string      { return j.host + " " + j.program() }
func (j *journal) mono() float64   { return float64(j.now.UnixMilli()%1e7) / 1e3 }

// log makes a record of each line.
func (j *journal) log(t Text, prefix func(*journal) string) Text {
	if !j.blanks {
		t = dropBlanks(t)
	}
	var out Text
	for _, l := range t {
		if j.rng.IntN(20) == 0 {
			j.now = j.now.Add(time.Duration(j.rng.IntN(1500)) * time.Millisecond)
		}
		if j.others && j.rng.IntN(10) == 0 {
			out = append(out, j.otherUnit())
		}
		l.Text = append([]byte(prefix(j)), l.Text...)
		out = append(out, l)
	}
	return out
}

// otherUnit is a record of another program.
func (j *journal) otherUnit() Line {
	who := []string{
		"systemd[1]: Started session-3.scope - Session 3 of User root.", "kernel: usb 1-1: new high-speed USB device number 5",
		"sshd[811]: Accepted publickey for root from 192.0.2.7 port 4022", "NetworkManager[612]: <info>  [1795389322.1] dhcp4: state changed",
		"CRON[1201]: (root) CMD (run-parts /etc/cron.hourly)",
	}[j.rng.IntN(5)]
	return noise(j.now.Format("Jan 02 15:04:05 ") + j.host + " " + who)[0]
}

// dropBlanks takes empty lines out. Without them nobody can tell whether the
// line before a truncation marker is whole.
func dropBlanks(t Text) Text {
	var out Text
	for _, l := range t {
		if len(l.Text) == 0 {
			continue
		}
		if string(l.Text) == "~~~~ TRUNCATED ~~~~" && len(out) > 0 {
			out[len(out)-1].Damaged = true
		}
		out = append(out, l)
	}
	return out
}

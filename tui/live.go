// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"scxdiag/dump"
)

// Feed is where the snapshots of a live session come from.
type Feed struct {
	// Snapshots brings samples, dumps and failures, the oldest first; nobody
	// may change them any more. It is closed when no more will come; the
	// session stays open for looking around.
	Snapshots <-chan *dump.Snapshot
	// Status brings what the source is doing, a line each time: "booting a
	// kernel in QEMU". It may be nil, and closed at any time.
	Status <-chan string
	// Sample asks the source for a snapshot now, and must not block. It is nil
	// if the source cannot do that.
	Sample func()
}

// live is what a session has besides its snapshots while it is fed.
type live struct {
	feed    Feed            // the channels that are still open
	done    <-chan struct{} // ends the reading
	status  text            // what the source did last
	paused  bool            // the screen does not go to new snapshots by itself
	ended   bool            // no more snapshots will come
	failure int             // number of a failure that the screen has yet to turn to, 0 if there is none
	last    int             // number of the newest snapshot that ever came
}

// fedMsg is what came out of a feed.
type fedMsg struct {
	snapshots []*dump.Snapshot
	at        time.Time // when they came
	status    string    // the last one
	hasStatus bool
	feed      Feed // the channels that are still open
}

func (msg *fedMsg) addSnapshot(s *dump.Snapshot, open bool) {
	switch {
	case !open:
		msg.feed.Snapshots = nil
	case s != nil:
		msg.snapshots = append(msg.snapshots, s)
	}
}

func (msg *fedMsg) addStatus(s string, open bool) {
	if !open {
		msg.feed.Status = nil
		return
	}
	msg.status, msg.hasStatus = s, true
}

// maxBatch bounds what one message takes out of a feed, so that a source that
// never stops does not keep the screen from showing any of it.
const maxBatch = 256

// read waits for something to come, and takes all that has come by then: the
// screen shows the newest snapshot and not each, and so never lags behind. It
// is nil if there is nothing more to read.
func (l *live) read() tea.Cmd {
	if l.feed.Snapshots == nil && l.feed.Status == nil {
		return nil
	}
	feed, done := l.feed, l.done
	return func() tea.Msg {
		msg := fedMsg{feed: feed}
		select {
		case s, open := <-msg.feed.Snapshots:
			msg.addSnapshot(s, open)
		case s, open := <-msg.feed.Status:
			msg.addStatus(s, open)
		case <-done:
			return nil
		}
		for range maxBatch {
			select {
			case s, open := <-msg.feed.Snapshots:
				msg.addSnapshot(s, open)
				continue
			case s, open := <-msg.feed.Status:
				msg.addStatus(s, open)
				continue
			default:
			}
			break
		}
		msg.at = time.Now()
		return msg
	}
}

// newLive makes the model of a session that is fed until done is closed.
func newLive(feed Feed, done <-chan struct{}, o Options) *Model {
	m := New(nil, o)
	m.live = &live{feed: feed, done: done, ended: feed.Snapshots == nil}
	return m
}

// fed takes what came out of the feed, and reads on.
func (m *Model) fed(msg fedMsg) tea.Cmd {
	l := m.live
	l.feed = msg.feed
	if msg.hasStatus {
		l.status = statusLine(msg.status)
	}
	l.ended = l.feed.Snapshots == nil
	if len(msg.snapshots) > 0 {
		m.arrived(msg.snapshots, msg.at)
	}
	return l.read()
}

// maxStatus is how much of a status is kept, in bytes.
const maxStatus = 512

// statusLine is the first line of a status, fit for the screen.
func statusLine(s string) text {
	s, _, _ = strings.Cut(strings.TrimSpace(s[:min(len(s), maxStatus)]), "\n")
	return clean(strings.TrimSpace(s))
}

// arrived takes new snapshots into the session. The screen goes to the newest
// one, or to a failure.
func (m *Model) arrived(snapshots []*dump.Snapshot, at time.Time) {
	l := m.live
	onFailure := len(m.snapshots) > 0 && l.paused && m.snapshots[m.current].IsFailure()
	for _, s := range snapshots {
		l.last++
		added := newShot(s, l.last)
		if added.at.IsZero() {
			added.at = at
		}
		m.snapshots = append(m.snapshots, added)
		switch {
		case !s.IsFailure() || l.failure != 0:
		case onFailure:
			// Somebody is reading the one before; a scheduler that is
			// started again may fail every few seconds.
			m.notice = "It failed again: snapshot " + number(added.nr) + "; " + m.keys[cmdSnapshots].key() + " lists all."
		default:
			l.failure = added.nr
		}
	}
	if m.notice == askedNotice {
		m.notice = ""
	}
	// What is being typed goes on, and the keys typed must not become
	// commands: the turn to the failure waits until it is done.
	if l.failure == 0 && !l.paused {
		m.show(m.newest())
	} else if m.index == nil {
		m.show(0)
	}
	m.trim()
	m.refreshOverlay()
	m.turn()
}

// turn goes to the overview of a failure that has come, and stops following.
func (m *Model) turn() {
	l := m.live
	if l.failure == 0 || m.typing() {
		return
	}
	i := m.find(l.failure)
	l.failure = 0
	if i < 0 {
		return
	}
	was := m.snapshots[m.current].nr
	m.notice = "The scheduler failed. This is its dump; " + m.keys[cmdPause].key() + " goes on."
	if l.paused {
		m.notice = "The scheduler failed: this is its dump. You were at " + number(was) + "."
	}
	l.paused = true
	m.overlay = nil
	m.stack = append(m.stack[:0], newFrame(place{view: viewTriage}))
	m.show(i)
	m.toSubject()
}

// pause stops following, or resumes it at the newest snapshot.
func (m *Model) pause() {
	l := m.live
	if l.paused || l.ended {
		l.paused = false
		m.show(m.newest())
		return
	}
	l.paused = true
}

// hold stops following, because the user went to a certain snapshot.
func (m *Model) hold() {
	if m.live != nil {
		m.live.paused = true
	}
}

const askedNotice text = "Asked for a sample."

// canSample reports whether the source can be asked for a snapshot.
func (m *Model) canSample() bool {
	return m.live != nil && !m.live.ended && m.live.feed.Sample != nil
}

// sample asks the source for a snapshot.
func (m *Model) sample() tea.Cmd {
	m.notice = askedNotice
	ask := m.live.feed.Sample
	return func() tea.Msg {
		ask()
		return nil
	}
}

// liveLine says on every screen whether the session follows its source, when the
// snapshot was taken, and what the source is doing.
func (m *Model) liveLine() line {
	l := m.live
	out := line{{plain, " "}}
	switch {
	case l.ended:
		out.add(heading, "ENDED")
	case l.paused:
		out.add(warning, "PAUSED")
	default:
		out.add(good, "LIVE")
	}
	if newer := m.newest() - m.current; newer > 0 {
		out.add(warning, ", "+number(newer)+" newer")
	}
	if at := m.snapshots[m.current].at; !at.IsZero() {
		out.add(plain, "  "+clean(at.Format("15:04:05 MST")))
	}
	if l.status != "" {
		out.add(muted, "  "+l.status)
	}
	return out
}

// waiting is the screen before the first snapshot.
func (m *Model) waiting() []string {
	l := m.live
	head := text("Waiting for the first snapshot.")
	if l.ended {
		head = "The source ended without a snapshot."
	}
	lines := []line{{{heading, head}}}
	if l.status != "" {
		lines = append(lines, line{{plain, l.status}}.wrap(m.width-2)...)
	}
	out := make([]string, 0, m.height)
	for _, s := range lines[:min(len(lines), m.height-1)] {
		out = append(out, append(line{{plain, " "}}, s...).render(m.styles, plain, m.width))
	}
	for len(out) < m.height-1 {
		out = append(out, "")
	}
	return append(out, line{{plain, "  "}, {key, m.keys[cmdQuit].key()}, {muted, " quit"}}.render(m.styles, plain, m.width))
}

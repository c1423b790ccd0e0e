// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// askTime has the user type where to go in time.
func (m *Model) askTime() {
	followed := m.live != nil && !m.live.paused
	m.hold() // what comes while a time is typed is not what it is relative to
	m.prompt = &prompt{label: "time (10:02:33, -30s, #12): ", enter: (*Model).goToTime, leave: func(m *Model) {
		if followed {
			m.pause() // again: it goes on
		}
	}}
}

// goToTime goes to the snapshot nearest to what was typed.
func (m *Model) goToTime(typed string) tea.Cmd {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return nil
	}
	i, err := m.seek(typed)
	if err != nil {
		m.notice = clean(err.Error())
		return nil
	}
	m.show(i)
	m.notice = "Snapshot " + number(m.snapshots[i].nr)
	if at := m.snapshots[i].at; !at.IsZero() {
		m.notice += ", of " + clean(at.Format("15:04:05.000 MST"))
	}
	return nil
}

var (
	errNoTimes = errors.New("the snapshots have no times: type a number, such as #12")
	errNoTime  = errors.New("this snapshot has no time to count from: type a number, such as #12")
)

// seek finds the snapshot nearest to a number, "#12" or "12", to a distance from
// the one shown, "-30s", or to a time, "10:02:33".
func (m *Model) seek(typed string) (int, error) {
	if nr, err := strconv.Atoi(strings.TrimPrefix(typed, "#")); err == nil && !strings.HasPrefix(typed, "+") && nr >= 0 {
		return m.seekNumber(nr)
	}
	now := m.snapshots[m.current].at
	if typed[0] == '-' || typed[0] == '+' {
		d, err := time.ParseDuration(typed)
		switch {
		case err != nil:
			return 0, fmt.Errorf("%s is no distance: type such as -30s or +2m", typed)
		case now.IsZero():
			return 0, errNoTime
		}
		return m.seekTime(now.Add(d))
	}
	at, ok := parseTime(typed, m.day())
	if !ok {
		return 0, fmt.Errorf("%s is no time: type such as 10:02:33, -30s or #12", typed)
	}
	return m.seekTime(at)
}

// seekNumber finds a snapshot by its number, or the nearest one if that was
// dropped.
func (m *Model) seekNumber(nr int) (int, error) {
	if first, last := m.snapshots[0].nr, m.snapshots[m.newest()].nr; nr < first || nr > last {
		return 0, fmt.Errorf("there is no snapshot %d: there are %d to %d", nr, first, last)
	}
	return m.nearest(func(s *shot) (int64, bool) { return int64(max(s.nr-nr, nr-s.nr)), true })
}

// seekTime finds the snapshot nearest to a time.
func (m *Model) seekTime(at time.Time) (int, error) {
	return m.nearest(func(s *shot) (int64, bool) { return int64(s.at.Sub(at).Abs()), !s.at.IsZero() })
}

// nearest is the snapshot that is the least far away, of several the first.
func (m *Model) nearest(far func(*shot) (int64, bool)) (int, error) {
	best, least := -1, int64(0)
	for i, s := range m.snapshots {
		if d, known := far(s); known && (best < 0 || d < least) {
			best, least = i, d
		}
	}
	if best < 0 {
		return 0, errNoTimes
	}
	return best, nil
}

// day is the day that a time of day is of: that of the snapshot shown, or else of
// the first that has one.
func (m *Model) day() time.Time {
	if at := m.snapshots[m.current].at; !at.IsZero() {
		return at
	}
	for _, s := range m.snapshots {
		if !s.at.IsZero() {
			return s.at
		}
	}
	return time.Time{}
}

// parseTime reads a time of the given day, or one with its date.
func parseTime(typed string, day time.Time) (time.Time, bool) {
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, typed); err == nil {
			y, month, d := day.Date()
			return time.Date(y, month, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), day.Location()), true
		}
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, typed, day.Location()); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

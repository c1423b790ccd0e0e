// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// taken is a file: each Write waits until it is taken, or gets an error.
type taken struct {
	wrote chan string
	err   error
}

func (f taken) Write(b []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	f.wrote <- string(b)
	return len(b), nil
}

func TestAPrinterThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := taken{wrote: make(chan string)}
		var told []string
		p := startPrinter(&printer{
			to: f, limit: 10, held: func() { told = append(told, "held") }, tell: func(err error) { told = append(told, err.Error()) },
		})
		for _, s := range []string{"more than ten bytes", "a", "b"} {
			if n, err := p.Write([]byte(s)); n != len(s) || err != nil {
				t.Errorf("%s: %d, %v", s, n, err)
			}
		}
		synctest.Wait()
		if got := <-f.wrote; got != "more than ten bytes" {
			t.Errorf("wrote %q", got)
		}
		synctest.Wait()
		for _, s := range []string{"12345", "67890", "c"} {
			_, _ = p.Write([]byte(s))
		}
		for _, want := range []string{"12345", "67890"} {
			if got := <-f.wrote; got != want {
				t.Errorf("wrote %q, want %q", got, want)
			}
		}
		synctest.Wait()
		if want := []string{"held", "nobody took it; left out: 2", "held", "nobody took it; left out: 1"}; !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
		_, _ = p.Write([]byte("last"))
		began := time.Now()
		if left := p.close(); left != 1 || time.Since(began) != printEnd {
			t.Errorf("%d are left after %v", left, time.Since(began))
		}
		<-f.wrote
		_, _ = p.Write([]byte("too late"))
	})
}

func TestAPrinterWhoseReaderIsGone(t *testing.T) {
	told := make(chan error, 10)
	p := startPrinter(&printer{to: taken{err: errors.New("gone")}, limit: 10, tell: func(err error) { told <- err }})
	for range 100 {
		if n, err := p.Write([]byte("x")); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if left := p.close(); left != 0 || len(told) != 1 || (<-told).Error() != "gone" {
		t.Errorf("%d are left", left)
	}
}

// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"

	"scxdiag/dump/artifact"
)

// walkLine says how far a walk has come: "1,204 files, 310.0 MiB, 7 dumps".
func walkLine(files, bytes, dumps int64) string {
	return countText(files, "file") + ", " + bytesText(bytes) + ", " + countText(dumps, "dump")
}

// countText is a number of things for people.
func countText(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return humanize.Comma(n) + " " + thing
}

// showWalk shows on stderr, if that is a terminal, how far a walk has come and how
// many dumps were found, once it takes long. The function that it returns ends that.
func showWalk(p *artifact.Progress, dumps *atomic.Int64, stderr io.Writer) (done func()) {
	if _, is := terminal(stderr); !is {
		return func() {}
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		timer := time.NewTimer(meterDelay)
		defer timer.Stop()
		for {
			select {
			case <-stop:
				_, _ = io.WriteString(stderr, "\r\x1b[K")
				return
			case <-timer.C:
				_, _ = io.WriteString(stderr, "\r\x1b[K"+walkLine(p.Files.Load(), p.Bytes.Load(), dumps.Load()))
				timer.Reset(meterInterval)
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-ended
	})
}

// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"scxdiag/dump/artifact"
)

// showWalk shows on stderr, if that is a terminal, how far a walk has come, once it
// takes long. The function that it returns ends that.
func showWalk(p *artifact.Progress, stderr io.Writer) (done func()) {
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
				_, _ = fmt.Fprintf(stderr, "\r\x1b[K%d files, %s", p.Files.Load(), bytesText(p.Bytes.Load()))
				timer.Reset(meterInterval)
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(stop)
		<-ended
	})
}

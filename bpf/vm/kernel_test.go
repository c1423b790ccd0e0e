// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestKernelsAreNewestFirst(t *testing.T) {
	if got := strings.Join(Kernels(), " "); got != "7.3 7.2 6.16" {
		t.Errorf("got %s", got)
	}
}

func TestTheNewestPackageWins(t *testing.T) {
	list := "linux-binary-unsigned-7.3.4+deb13-cloud-amd64 - Linux\n" +
		"linux-binary-unsigned-7.3.12+deb13-cloud-amd64 - Linux\n" +
		"linux-binary-unsigned-7.3.9+deb13-cloud-amd64 - Linux\n"
	if got := newest([]byte(list)); got != "linux-binary-unsigned-7.3.12+deb13-cloud-amd64" {
		t.Errorf("got %s", got)
	}
	if got := newest(nil); got != "" {
		t.Errorf("got %q of no packages", got)
	}
}

func TestAKernelOfTheUsersOwnWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image")
	t.Setenv(kernelVar, path)
	if _, err := Kernel(t.Context(), "7.3", nil); err == nil {
		t.Error("no error for an image that does not exist")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Kernel(t.Context(), "7.3", nil); got != path || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestWhereAKernelComesFromIsTold(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("PATH", t.TempDir()) // no apt
	image := filepath.Join(cache, "image")
	t.Setenv(kernelVar, image)
	if _, err := CheckKernel(); err == nil {
		t.Error("no error for an image that does not exist")
	}
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := CheckKernel(); got != image || err != nil {
		t.Errorf("of the user's own: %s, %v", got, err)
	}
	t.Setenv(kernelVar, "")
	if _, err := CheckKernel(); err == nil || !strings.Contains(err.Error(), "no apt") {
		t.Errorf("where there is none, and no apt: %v", err)
	}
	dir := filepath.Join(cache, "scxdiag", "kernels")
	kept, err := cachedKernel(t.Context(), dir, imageName(DefaultKernel), func(w io.Writer) error {
		_, err := io.WriteString(w, "a kernel")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := CheckKernel(); got != kept || err != nil {
		t.Errorf("of the cache: %s, %v", got, err)
	}
}

func TestAnUnknownSeriesIsToldWhatThereIs(t *testing.T) {
	t.Setenv(kernelVar, "")
	_, err := Kernel(t.Context(), "5.4", nil)
	if err == nil || !strings.Contains(err.Error(), "7.3, 7.2, 6.16") || !strings.Contains(err.Error(), kernelVar) {
		t.Errorf("got %v", err)
	}
}

func TestAKernelIsFetchedOnceAndAgainWhenDamaged(t *testing.T) {
	dir := t.TempDir()
	var fetched atomic.Int32
	fetch := func(w io.Writer) error {
		fetched.Add(1)
		_, err := io.WriteString(w, "an image")
		return err
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			path, err := cachedKernel(t.Context(), dir, "vmlinuz", fetch)
			if err != nil {
				t.Error(err)
				return
			}
			if data, err := os.ReadFile(path); err != nil || string(data) != "an image" {
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
	all.Wait()
	if n := fetched.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	path := filepath.Join(dir, "vmlinuz")
	if err := os.WriteFile(path, []byte("an imagE"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cachedKernel(t.Context(), dir, "vmlinuz", fetch); err != nil || fetched.Load() != 2 {
		t.Errorf("fetched %d times, %v", fetched.Load(), err)
	}
}

func TestAFailedFetchLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	broken := errors.New("broken")
	_, err := cachedKernel(t.Context(), dir, "vmlinuz", func(w io.Writer) error {
		_, _ = io.WriteString(w, "half an")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "vmlinuz.lock" {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestWaitingForAnotherFetchEndsWithTheContext(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lock(t.Context(), filepath.Join(dir, "vmlinuz.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = cachedKernel(ctx, dir, "vmlinuz", func(io.Writer) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

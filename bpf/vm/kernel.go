// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// kernelVar is the environment variable that names a kernel image.
	kernelVar = "SCXDIAG_VM_KERNEL"
	// kernelHint ends the errors that a kernel of the user's own avoids.
	kernelHint = "set " + kernelVar + " to a kernel image with CONFIG_SCHED_CLASS_EXT"
	// DefaultKernel is the series that Kernel takes where none is asked for.
	DefaultKernel = "7.3"
)

// debianKernels are the series that Kernel knows, and where Debian has them.
// Its cloud kernels have all that a guest needs built in. From 6.16 on they
// have sched_ext. In the 7.2 of trixie-backports no scheduler loads: the types of
// that build are damaged.
var debianKernels = map[string]debianPackage{
	"7.3":  {`^linux-binary-unsigned-7\.3\..*-cloud-amd64$`, []string{"trixie-backports", "forky", "sid"}},
	"7.2":  {`^linux-binary-unsigned-7\.2\..*-cloud-amd64$`, []string{"forky", "sid"}},
	"6.16": {`^linux-image-6\.16\..*-cloud-amd64$`, []string{"trixie-backports"}},
}

// Kernels are the series that Kernel knows, newest first.
func Kernels() []string {
	var all []string
	for series := range debianKernels {
		all = append(all, series)
	}
	slices.SortFunc(all, func(a, b string) int { return natural(b, a) })
	return all
}

// Kernel finds a kernel image with sched_ext: the one that the environment
// variable SCXDIAG_VM_KERNEL names; else the newest one of a series, such as
// "7.3", where empty is DefaultKernel. A series comes from Debian's archive
// through this machine's apt, whose settings and lists stay as they are, and
// is kept in the user's cache. log, unless nil, is told of what takes long.
func Kernel(ctx context.Context, series string, log func(string)) (string, error) {
	if path, err := namedKernel(); path != "" || err != nil {
		return path, err
	}
	if series == "" {
		series = DefaultKernel
	}
	pkg, ok := debianKernels[series]
	if !ok {
		return "", fmt.Errorf("no kernel %q: there are %s; or %s", series, strings.Join(Kernels(), ", "), kernelHint)
	}
	if log == nil {
		log = func(string) {}
	}
	dir, err := kernelDir()
	if err != nil {
		return "", err
	}
	path, err := cachedKernel(ctx, dir, imageName(series), func(w io.Writer) error {
		log("fetching a kernel " + series + " from Debian's archive")
		name, err := pkg.fetch(ctx, w)
		if err == nil {
			log("fetched " + name)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("get a kernel %s: %w; or %s", series, err, kernelHint)
	}
	return path, nil
}

// CheckKernel says where Kernel would take the newest kernel of DefaultKernel from,
// without fetching it, or what is missing for that. An archive may still not be
// within reach.
func CheckKernel() (string, error) {
	if path, err := namedKernel(); path != "" || err != nil {
		return path, err
	}
	dir, err := kernelDir()
	if err != nil {
		return "", err
	}
	if path := filepath.Join(dir, imageName(DefaultKernel)); verify(path) == nil {
		return path, nil
	}
	if err := canFetch(); err != nil {
		return "", fmt.Errorf("get a kernel %s: %w", DefaultKernel, err)
	}
	return "Debian's archive, the first time", nil
}

// namedKernel is the kernel that the user names, "" if none.
func namedKernel() (string, error) {
	path := os.Getenv(kernelVar)
	if path == "" {
		return "", nil
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() { //nolint:gosec // the user names it
		return "", fmt.Errorf("%s=%s: no such kernel image", kernelVar, path)
	}
	return path, nil
}

// kernelDir is where kernels are kept.
func kernelDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place to keep a kernel: %w; %s", err, kernelHint)
	}
	return filepath.Join(cache, "scxdiag", "kernels"), nil
}

// imageName is what the kernel of a series is called there.
func imageName(series string) string { return "vmlinuz-" + series }

// errDamaged tells that a kept kernel is not what was fetched.
var errDamaged = errors.New("checksum mismatch")

// cachedKernel is the path of a kept kernel. If there is none in good order,
// fetch gets it. Others may do the same at the same time.
func cachedKernel(ctx context.Context, dir, name string, fetch func(io.Writer) error) (string, error) {
	path := filepath.Join(dir, name)
	if verify(path) == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // holds nothing private
		return "", err
	}
	unlock, err := lock(ctx, path+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if verify(path) == nil { // by now somebody else has fetched it
		return path, nil
	}
	sum := sha256.New()
	err = replace(path, func(w io.Writer) error { return fetch(io.MultiWriter(w, sum)) })
	if err != nil {
		return "", err
	}
	err = replace(path+sumSuffix, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%x  %s\n", sum.Sum(nil), name) // as sha256sum writes it
		return err
	})
	if err != nil {
		return "", err
	}
	return path, verify(path)
}

const sumSuffix = ".sha256"

// verify compares a file with its checksum.
func verify(path string) error {
	want, err := os.ReadFile(path + sumSuffix) //nolint:gosec // in the cache
	if err != nil {
		return err
	}
	f, err := os.Open(path) //nolint:gosec // in the cache
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if hash, _, _ := strings.Cut(string(want), " "); hash != hex.EncodeToString(sum.Sum(nil)) {
		return errDamaged
	}
	return nil
}

// replace writes a file so that there is never half of one under its name.
func replace(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()           // it may be closed
			_ = os.Remove(f.Name()) // the error is more to the point
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// lock waits for a lock between processes.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644) //nolint:gosec // holds nothing
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // which gives it back
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only

package vm

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// debianKeyring signs Debian's archive. apt refuses what it does not vouch for.
const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// debianPackage says where a kernel is in Debian's archive.
type debianPackage struct {
	pattern string   // matches the names of the packages, as apt-cache search does
	suites  []string // to look for one in, in this order
}

// fetch writes the kernel image of the newest package to w and returns the
// package's name.
func (p debianPackage) fetch(ctx context.Context, w io.Writer) (string, error) {
	if err := canFetch(); err != nil {
		return "", err
	}
	site, err := debianSite(ctx)
	if err != nil {
		return "", err
	}
	for _, suite := range p.suites {
		name, err := p.fetchFrom(ctx, site, suite, w)
		if !errors.Is(err, errNoPackage) {
			return name, err
		}
	}
	return "", fmt.Errorf("%w %s in Debian's %s", errNoPackage, p.pattern, strings.Join(p.suites, ", "))
}

// debianSite is the mirror of Debian that this machine uses.
func debianSite(ctx context.Context) (string, error) {
	out, err := output(exec.CommandContext(ctx, "apt-get", "indextargets",
		"--format", "$(SITE)", "Created-By: Packages", "Origin: Debian", "Label: Debian"))
	if err != nil {
		return "", err
	}
	sites := strings.Fields(string(out))
	if len(sites) == 0 {
		return "", errors.New("this machine's apt knows no mirror of Debian (is apt-get update needed?)")
	}
	return slices.Min(sites), nil
}

// canFetch is an error if this machine lacks what fetching takes.
func canFetch() error {
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return errors.New("this machine has no apt, which fetches it from Debian")
		}
	}
	if _, err := os.Stat(debianKeyring); err != nil {
		return errors.New("install the package debian-archive-keyring, which vouches for it")
	}
	return nil
}

var errNoPackage = errors.New("no package matches")

// fetchFrom is fetch for one suite.
func (p debianPackage) fetchFrom(ctx context.Context, site, suite string, w io.Writer) (string, error) {
	dir, err := os.MkdirTemp("", "scxdiag-kernel-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left is in the way of nobody
	apt, err := newPrivateApt(dir, site, suite)
	if err != nil {
		return "", err
	}
	if _, err := apt.run(ctx, "apt-get", "-qq", "update"); err != nil {
		return "", err
	}
	found, err := apt.run(ctx, "apt-cache", "search", "-n", p.pattern)
	if err != nil {
		return "", err
	}
	name := newest(found)
	if name == "" {
		return "", errNoPackage
	}
	if _, err := apt.run(ctx, "apt-get", "-qq", "download", name); err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return "", err
	}
	if len(files) != 1 {
		return "", fmt.Errorf("apt-get download %s left %d files", name, len(files))
	}
	return name, extractKernel(ctx, files[0], w)
}

// newest is the name with the highest version in apt-cache's list of packages,
// each with a description behind it.
func newest(list []byte) string {
	var best string
	for line := range strings.Lines(string(list)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if best == "" || natural(name, best) > 0 {
			best = name
		}
	}
	return best
}

// natural compares strings so that a number in them counts by its value.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x == "" || y == "" {
			if a[0] != b[0] {
				return int(a[0]) - int(b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		a, b = a[len(x):], b[len(y):]
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if x != y {
			return strings.Compare(x, y)
		}
	}
	return len(a) - len(b)
}

// digits is the number that s begins with.
func digits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

// privateApt is an apt with all its state in a folder.
type privateApt struct {
	dir     string
	options []string
}

// newPrivateApt makes an apt that knows one suite of a site.
func newPrivateApt(dir, site, suite string) (*privateApt, error) {
	for _, sub := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	sources := filepath.Join(dir, "sources.list")
	line := fmt.Sprintf("deb [arch=amd64 signed-by=%s] %s %s main\n", debianKeyring, site, suite)
	if err := os.WriteFile(sources, []byte(line), 0o600); err != nil {
		return nil, err
	}
	return &privateApt{dir: dir, options: []string{
		"-oAPT::Architecture=amd64",
		"-oDir::State::Lists=" + filepath.Join(dir, "lists"),
		"-oDir::Cache=" + filepath.Join(dir, "cache"),
		"-oDir::Etc::SourceList=" + sources,
		"-oDir::Etc::SourceParts=" + filepath.Join(dir, "none"),
		"-oAPT::Sandbox::User=", // the folder is this user's
		"-oAcquire::Languages=none",
		"-oAPT::Update::Error-Mode=any", // without lists there is nothing to find
	}}, nil
}

// run runs one of apt's programs in the folder.
func (a *privateApt) run(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, append(slices.Clone(a.options), args...)...) //nolint:gosec // no input is among them
	cmd.Dir = a.dir
	return output(cmd)
}

// output runs a command and puts what it complained of into its error.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if err := cmd.Run(); err != nil {
		said := strings.Join(strings.Fields(stderr.String()), " ")
		if len(said) > 500 {
			said = said[:500] + " ..."
		}
		return nil, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, said)
	}
	return stdout.Bytes(), nil
}

// extractKernel writes the kernel image in a Debian package to w.
func extractKernel(ctx context.Context, deb string, w io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb) //nolint:gosec // a file of ours
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = copyKernel(w, tar.NewReader(bufio.NewReader(out)))
	if err != nil {
		err = fmt.Errorf("%s: %w", filepath.Base(deb), err)
	}
	// The rest of the package does not matter, nor what dpkg-deb says to that.
	cancel()
	_ = cmd.Wait()
	return err
}

// copyKernel writes the kernel image in an archive to w.
func copyKernel(w io.Writer, files *tar.Reader) error {
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return errors.New("no kernel image in it")
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeReg && strings.HasPrefix(path.Base(h.Name), "vmlinuz") {
			_, err := io.CopyN(w, files, h.Size)
			return err
		}
	}
}

// SPDX-License-Identifier: GPL-2.0-only

package doctor

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// config is a kernel's configuration: the options that are set, without CONFIG_,
// and their values.
type config map[string]string

// Bounds of a configuration. Those of distributions are 300 KB.
const (
	maxConfig = 4 << 20
	maxOption = 256 // bytes of a value; longer ones are cut
)

var errNoConfig = errors.New("it has no options")

// parseConfig reads a configuration as the kernel's build writes it. Lines that it
// does not understand are left out.
func parseConfig(r io.Reader) (config, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxConfig+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the kernel's configuration: %w", err)
	case len(data) > maxConfig:
		return nil, errors.New("the kernel's configuration is larger than 4 MiB")
	}
	c := make(config)
	lines := 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		if option, ok := strings.CutPrefix(line, "# CONFIG_"); ok {
			if option, ok = strings.CutSuffix(option, " is not set"); ok && isOption(option) {
				lines++
				delete(c, option)
			}
			continue
		}
		line, ok := strings.CutPrefix(line, "CONFIG_")
		option, value, found := strings.Cut(line, "=")
		if !ok || !found || !isOption(option) {
			continue
		}
		lines++
		c[option] = value[:min(len(value), maxOption)]
	}
	if lines == 0 {
		return nil, errNoConfig
	}
	return c, nil
}

// isOption reports whether s can be the name of an option.
func isOption(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// without are the options that are not built in.
func (c config) without(options ...string) []string {
	var missing []string
	for _, o := range options {
		if c[o] != "y" {
			missing = append(missing, "CONFIG_"+o)
		}
	}
	return missing
}

// readConfig finds the configuration of the running kernel, and says in which
// file; nil if there is none to be read.
func (e *examination) readConfig() (config, string) {
	if packed, err := e.read("proc/config.gz", maxConfig); err == nil {
		// What it unpacks to is bounded by the parser.
		if r, err := gzip.NewReader(bytes.NewReader(packed)); err == nil {
			if c, err := parseConfig(r); err == nil {
				return c, "/proc/config.gz"
			}
		}
	}
	release := strings.TrimSpace(e.text("proc/sys/kernel/osrelease"))
	if release == "" || strings.Contains(release, "/") {
		return nil, ""
	}
	for _, path := range []string{"boot/config-" + release, "lib/modules/" + release + "/config"} {
		if !fs.ValidPath(path) {
			continue
		}
		data, err := e.read(path, maxConfig+1)
		if err != nil {
			continue
		}
		if c, err := parseConfig(bytes.NewReader(data)); err == nil {
			return c, "/" + said(path)
		}
	}
	return nil, ""
}

// SPDX-License-Identifier: GPL-2.0-only

package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
)

func TestConfigs(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       config
	}{
		{"set and not", "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=m\n", config{"A": "y", "C": "m"}},
		{"a string with =", "CONFIG_CC_VERSION_TEXT=\"gcc (Debian) = 14\"\n", config{"CC_VERSION_TEXT": `"gcc (Debian) = 14"`}},
		{"the last one holds", "CONFIG_A=y\n# CONFIG_A is not set\n", config{}},
		{"carriage returns and no end", "CONFIG_A=y\r\nCONFIG_B=1", config{"A": "y", "B": "1"}},
		{"what is no option", "CONFIG_A B=y\nCONFIG_=y\n CONFIG_X=y\nnonsense\nCONFIG_A=y\n", config{"A": "y"}},
		{"a long value", "CONFIG_A=" + strings.Repeat("x", 1000), config{"A": strings.Repeat("x", maxOption)}},
	} {
		got, err := parseConfig(strings.NewReader(c.text))
		if err != nil || !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
	for _, text := range []string{"", "\x1f\x8b", "<html>not found</html>"} {
		if _, err := parseConfig(strings.NewReader(text)); !errors.Is(err, errNoConfig) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// endless is a configuration without an end, and counts what is read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "CONFIG_A=y\n"[(e.read+i)%11]
	}
	e.read += len(p)
	return len(p), nil
}

func TestNoMoreIsReadThanAConfigurationMayHave(t *testing.T) {
	var src endless
	if _, err := parseConfig(&src); err == nil || src.read > maxConfig+1<<20 {
		t.Errorf("%d bytes, %v", src.read, err)
	}
}

// TestABombIsNoConfiguration has some KiB unpack to 64 MiB.
func TestABombIsNoConfiguration(t *testing.T) {
	root := good(t)
	root["proc/config.gz"] = packed(t, bytes.Repeat([]byte("CONFIG_A=y\n"), 6<<20))
	if e := newExamination(machine(root)); e.config != nil {
		t.Errorf("it has %d options", len(e.config))
	}
}

func TestTheReleaseLeadsNowhereElse(t *testing.T) {
	root := good(t)
	removed(root, "proc/config.gz")
	root["etc/secret"] = file("CONFIG_A=y\n")
	for _, release := range []string{"../etc/secret", "/../../etc/secret", "", "."} {
		root["proc/sys/kernel/osrelease"] = file(release)
		if e := newExamination(machine(root)); e.config != nil {
			t.Errorf("%q: a configuration from %s", release, e.configFile)
		}
	}
	root["lib/modules/7.3/config"] = file("CONFIG_A=y\n")
	root["proc/sys/kernel/osrelease"] = file("7.3\n")
	if e := newExamination(machine(root)); e.configFile != "/lib/modules/7.3/config" || e.config["A"] != "y" {
		t.Errorf("a configuration from %q: %v", e.configFile, e.config)
	}
}

// FuzzConfig: whatever is read can be written as the kernel's build does, and is
// then read as the same.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(goodConfig))
	f.Add([]byte("# CONFIG_ is not set\nCONFIG_A==\nCONFIG_B=\"\\\"\"\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConfig(bytes.NewReader(data))
		if err != nil {
			if c != nil {
				t.Errorf("%v, and %d options", err, len(c))
			}
			return
		}
		text := strings.Builder{}
		text.WriteString("# CONFIG_none is not set\n")
		for option, value := range c {
			if len(value) > maxOption {
				t.Errorf("%s has a value of %d bytes", option, len(value))
			}
			fmt.Fprintf(&text, "CONFIG_%s=%s\n", option, value)
		}
		again, err := parseConfig(strings.NewReader(text.String()))
		if err != nil || !maps.Equal(c, again) {
			t.Errorf("%q, and again %q, %v", c, again, err)
		}
	})
}

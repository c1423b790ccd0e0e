// SPDX-License-Identifier: GPL-2.0-only

package tui

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// MaxConfig bounds the text of a configuration, in bytes.
const MaxConfig = 1 << 20

// Config is what a user has set for all sessions. The zero Config sets nothing.
type Config struct {
	ASCII bool // draw with nothing but ASCII

	theme theme
	keys  map[command][]string // all keys of the commands in it
	looks map[style]appearance
}

// ParseConfig reads a configuration, which is TOML:
//
//	theme = "auto"              # or "light", "dark"
//	ascii = false
//	[keys]
//	sort = "o"                  # a command and its key, or keys; [] for none
//	[colors]
//	warning = "yellow bold"     # a name, "#rrggbb" or 0 to 255, and attributes
//
// An error starts with the name and the line: "config.toml:12: ...". It is an error
// to name what there is not, or to give two commands of a view the same key.
func ParseConfig(name string, r io.Reader) (Config, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxConfig+1))
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > MaxConfig {
		return Config{}, fmt.Errorf("%s: larger than 1 MiB, which no configuration is", name)
	}
	// This looks at the document as a whole: that no key is there twice, for one.
	var whole map[string]any
	if err := toml.Unmarshal(text, &whole); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, _ := at.Position()
			return Config{}, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	c := configReader{name: name, config: Config{keys: map[command][]string{}, looks: map[style]appearance{}}}
	c.parser.Reset(text)
	if err := c.read(); err != nil {
		return Config{}, err
	}
	return c.config, nil
}

// configReader goes through the expressions of a configuration.
type configReader struct {
	name   string
	parser unstable.Parser
	table  []string // what the present one is called
	config Config
	given  []givenKey // in the order of the file
}

// givenKey is a key that the configuration gives to a command.
type givenKey struct {
	command command
	key     string
	line    int
}

func (c *configReader) read() error {
	for c.parser.NextExpression() {
		if err := c.expression(c.parser.Expression()); err != nil {
			return err
		}
	}
	if err := c.parser.Error(); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return c.conflicts()
}

func (c *configReader) expression(n *unstable.Node) error {
	switch n.Kind {
	case unstable.Table, unstable.ArrayTable:
		path, line := c.path(nil, n)
		if n.Kind == unstable.ArrayTable || len(path) != 1 || path[0] != "keys" && path[0] != "colors" {
			header := "[" + printed(path) + "]"
			if n.Kind == unstable.ArrayTable {
				header = "[" + header + "]"
			}
			return c.errorf(line, "no table %s: there are [keys] and [colors]", header)
		}
		c.table = path
	case unstable.KeyValue:
		return c.assignment(c.table, n)
	}
	return nil
}

// path is the names of a table or an assignment, behind those in front of it, and
// the line that the first of them is on.
func (c *configReader) path(front []string, n *unstable.Node) (path []string, line int) {
	path = slices.Clone(front)
	for it := n.Key(); it.Next(); {
		if line == 0 {
			line = c.line(it.Node())
		}
		path = append(path, string(it.Node().Data))
	}
	return path, line
}

func (c *configReader) line(n *unstable.Node) int { return c.parser.Shape(n.Raw).Start.Line }

func (c *configReader) errorf(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: "+format, append([]any{c.name, line}, args...)...)
}

// printed is a path as TOML writes it, more or less.
func printed(path []string) string {
	s := ""
	for i, p := range path {
		if i > 0 {
			s += "."
		}
		s += p
	}
	return s
}

func (c *configReader) assignment(front []string, n *unstable.Node) error {
	path, line := c.path(front, n)
	v := n.Value()
	if v.Kind == unstable.InlineTable {
		for it := v.Children(); it.Next(); {
			if it.Node().Kind != unstable.KeyValue {
				continue // a comment
			}
			if err := c.assignment(path, it.Node()); err != nil {
				return err
			}
		}
		return nil
	}
	switch {
	case len(path) == 2 && path[0] == "keys":
		return c.setKeys(path[1], v, line)
	case len(path) == 2 && path[0] == "colors":
		return c.setColour(path[1], v, line)
	case len(path) != 1:
	case path[0] == "theme":
		t, known := themeNames[string(v.Data)]
		if v.Kind != unstable.String || !known {
			return c.errorf(line, `theme is "auto", "light" or "dark"`)
		}
		c.config.theme = t
		return nil
	case path[0] == "ascii":
		if v.Kind != unstable.Bool {
			return c.errorf(line, "ascii is true or false")
		}
		c.config.ASCII = string(v.Data) == "true"
		return nil
	}
	return c.errorf(line, "no setting %q: there are theme, ascii, [keys] and [colors]", printed(path))
}

func (c *configReader) setKeys(name string, v *unstable.Node, line int) error {
	on, known := commandNamed(name)
	if !known {
		return c.errorf(line, "no command %q; the key : lists them on the screen", name)
	}
	keys := []string{}
	add := func(n *unstable.Node) error {
		at := line
		if n.Raw.Length > 0 {
			at = c.line(n)
		}
		if n.Kind != unstable.String {
			return c.errorf(at, `a key of %s is a string, such as "s" or "ctrl+s"`, name)
		}
		k, err := parseKey(string(n.Data))
		switch {
		case err != nil:
			return c.errorf(at, "%s: %w", name, err)
		case slices.Contains(keys, k):
			return c.errorf(at, "%s: key %q is there twice", name, k)
		case k == "ctrl+c" && on != cmdQuit:
			return c.errorf(at, "%s: ctrl+c always quits", name)
		}
		keys = append(keys, k)
		c.given = append(c.given, givenKey{on, k, at})
		return nil
	}
	if v.Kind != unstable.Array {
		if err := add(v); err != nil {
			return err
		}
	} else {
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			if err := add(it.Node()); err != nil {
				return err
			}
		}
	}
	c.config.keys[on] = keys
	return nil
}

// conflicts looks for keys that two commands of one view now have.
func (c *configReader) conflicts() error {
	if len(c.given) == 0 {
		return nil
	}
	keys, reach := c.config.keyMap(), newReach()
	for i, g := range c.given {
		for other := range nrCommands {
			if other == g.command || !slices.Contains(keys[other].keys, g.key) {
				continue
			}
			at, together := reach.together(g.command, other)
			if !together {
				continue
			}
			// Of two that are given, the later one is told.
			later := slices.IndexFunc(c.given[i:], func(l givenKey) bool { return l.command == other && l.key == g.key })
			if later > 0 {
				continue
			}
			return c.errorf(g.line, "%s: %q is the key of %s too, in view %s; give that another one, or []",
				keys[g.command].name, g.key, keys[other].name, place{view: at}.kind())
		}
	}
	return nil
}

// keyMap is the keys of the program with those of the configuration in the place of
// its own.
func (c *Config) keyMap() *keyMap {
	k := newKeyMap()
	for on, keys := range c.keys {
		k[on].keys = keys
	}
	// Nothing takes ctrl+c from quit.
	if q := &k[cmdQuit]; !slices.Contains(q.keys, "ctrl+c") {
		q.keys = append(slices.Clone(q.keys), "ctrl+c")
	}
	return k
}

// commandNamed finds a command.
func commandNamed(name string) (command, bool) {
	for c, b := range newKeyMap() {
		if b.name == name {
			return command(c), true
		}
	}
	return 0, false
}

func (c *configReader) setColour(name string, v *unstable.Node, line int) error {
	i := slices.Index(styleNames[:], name)
	if i < 0 || name == "" {
		return c.errorf(line, "no color %q: there are %s", name, listed(styleNames[plain+1:]))
	}
	value := string(v.Data)
	if v.Kind != unstable.String && v.Kind != unstable.Integer {
		return c.errorf(line, `%s is a color, such as "red", "#d55e00 bold" or 208`, name)
	}
	if n, err := strconv.ParseInt(value, 0, 64); v.Kind == unstable.Integer && err == nil {
		value = strconv.FormatInt(n, 10) // 0xd0
	}
	l, err := parseLook(value)
	if err != nil {
		return c.errorf(line, "%s: %w", name, err)
	}
	c.config.looks[style(i)] = l //nolint:gosec // there are fewer than 256
	return nil
}

// listed is names as a sentence has them.
func listed(names []string) string {
	s := ""
	for i, n := range names {
		switch {
		case i == 0:
		case i == len(names)-1:
			s += " and "
		default:
			s += ", "
		}
		s += n
	}
	return s
}

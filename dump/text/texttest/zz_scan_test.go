package texttest_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scxdiag/dump"
	"scxdiag/dump/text"
	"scxdiag/dump/text/texttest"
)

var digits = regexp.MustCompile(`"[^"]*"|[0-9a-fx]*[0-9][0-9a-f]*`)

func TestZZScan(t *testing.T) {
	mode := os.Getenv("SCAN")
	if mode == "" {
		t.Skip()
	}
	n, _ := strconv.Atoi(os.Getenv("N"))
	type hit struct {
		count int
		size  int
		log   string
		msg   string
	}
	hits := map[string]*hit{}
	add := func(msg, log string) {
		key := digits.ReplaceAllString(msg, "#")
		if i := strings.Index(key, " (line"); i > 0 {
			key = key[:i]
		}
		h := hits[key]
		if h == nil {
			h = &hit{size: 1 << 30}
			hits[key] = h
		}
		h.count++
		if len(log) < h.size {
			h.size, h.log, h.msg = len(log), log, msg
		}
	}
	names := texttest.PlainNames
	if strings.Contains(mode, "hostile") {
		names = texttest.HostileNames
	}
	start := time.Now()
	chains := []texttest.Chain{{}}
	if c := os.Getenv("CARRIER"); c == "all" {
		chains = nil
		for _, c := range texttest.Carriers() {
			if !c.Lossy {
				ch := texttest.Chain{c}
				if c.NeedsStamp {
					ch = texttest.ChainOf("journald-short+" + c.Name)
				}
				chains = append(chains, ch)
			}
		}
	} else if c == "lossy" {
		chains = nil
		for _, c := range texttest.Carriers() {
			if c.Lossy {
				chains = append(chains, texttest.Chain{c})
			}
		}
	} else if c != "" {
		chains = []texttest.Chain{texttest.ChainOf(c)}
	}
	gen := texttest.Models(names, func(t *rapid.T, k *texttest.Config) {
		if k.CPUIDs > 240 {
			k.CPUIDs = 240
		}
		if f := os.Getenv("NOFORMAT"); f != "" {
			for strings.Contains(f, "|"+k.Format.String()+"|") {
				k.Format = rapid.SampledFrom(texttest.AllFormats()).Draw(t, "format again")
				k.LLC, k.Events, k.DumpCPU = false, false, false
			}
		}
		if strings.Contains(mode, "trunc") {
			k.DumpLen = rapid.IntRange(300, 5000).Draw(t, "len")
		}
		if strings.Contains(mode, "trace") {
			k.Trace = true
		}
	})
	var fixed *texttest.Model
	if f := os.Getenv("SEED"); f != "" {
		i, _ := strconv.Atoi(f)
		m := gen.Example(i)
		fixed = &m
	}
	for seed := range n {
		m := gen.Example(seed)
		if fixed != nil {
			m = *fixed
		}
		if m.Config.DumpLen > 0 && m.Config.DumpLen < 300 {
			continue
		}
		if os.Getenv("NOHDR") != "" {
			for i := range m.Tasks {
				m.Tasks[i].Unknown = m.Tasks[i].Unknown[:min(4, len(m.Tasks[i].Unknown))]
			}
		}
		d := m.Dump()
		if x := os.Getenv("SKIP"); x != "" && regexp.MustCompile(x).Match(d.Text) {
			continue
		}
		for _, ch := range chains {
			tag := ""
			if len(ch) > 0 {
				tag = ch.String() + ": "
			}
			carried := ch.Apply(texttest.Rand(uint64(seed)), d.Lines())
			log := ch.Encode(carried)
			if len(ch) == 0 {
				log = d.Text
			}
			var all []*dump.Snapshot
			func() {
				defer func() {
					if p := recover(); p != nil {
						add(tag+"panic "+fmt.Sprint(p), string(log))
					}
				}()
				r := text.NewReader(bytes.NewReader(log), text.Options{})
				for {
					s, err := r.Next()
					if err == io.EOF {
						break
					}
					all = append(all, s)
				}
			}()
			show := fmt.Sprintf("seed %d %s\n%s", seed, m.Config, log)
			for _, s := range all {
				lines := strings.Count(s.Raw, "\n")
				if !strings.HasSuffix(s.Raw, "\n") {
					lines++
				}
				if s.Ledger.Lines.Total() != lines {
					add(fmt.Sprintf("%sledger does not add up: %+v, %d lines", tag, s.Ledger.Lines, lines), show)
				}
			}
			if len(all) != 1 {
				add(tag+"snapshots: "+strings.Repeat("s", len(all)), show)
				continue
			}
			for _, p := range texttest.Compare(d, m.Config, carried, all[0]) {
				add(tag+p, show)
			}
		}
	}
	keys := []string{}
	for k := range hits {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return hits[keys[i]].count > hits[keys[j]].count })
	perCarrier := map[string]int{}
	for i, k := range keys {
		h := hits[k]
		if len(chains) > 1 {
			c, _, _ := strings.Cut(k, ": ")
			if perCarrier[c]++; perCarrier[c] > 12 {
				continue
			}
		}
		f := fmt.Sprintf("/tmp/scan/%s-%d.txt", mode, i)
		os.WriteFile(f, []byte(h.log), 0o644)
		fmt.Printf("%5d× %s\n       %s %s\n", h.count, k, h.msg, f)
	}
	fmt.Println(n, "models in", time.Since(start), len(keys), "kinds of problems")
}

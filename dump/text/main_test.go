// SPDX-License-Identifier: GPL-2.0-only

package text_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain gives the property tests a fixed seed, so that a change passes or
// fails for what it does. -rapid.seed=N explores others; 0 draws one.
func TestMain(m *testing.M) {
	if seed := flag.Lookup("rapid.seed"); seed != nil {
		if err := seed.Value.Set("20261123"); err != nil {
			panic(err)
		}
	}
	flag.Parse() // what is given on the command line wins
	os.Exit(m.Run())
}

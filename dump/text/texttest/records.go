// SPDX-License-Identifier: GPL-2.0-only

package texttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// recordCarriers keep each line in a record.
var recordCarriers = []Carrier{
	{Name: "json", Stage: File, Encode: func(b []byte) []byte {
		return records(b, func(_ int, line []byte) string {
			return fmt.Sprintf(`{"PRIORITY":"6","MESSAGE":%s}`+"\n", journalText(line))
		})
	}},
	recordCarrier("journald-json", func(i int, line []byte) string { return journalObject(i, line) + "\n" }),
	recordCarrier("journald-json-pretty", func(i int, line []byte) string {
		var b bytes.Buffer
		if err := json.Indent(&b, []byte(journalObject(i, line)), "", "\t"); err != nil {
			panic(err)
		}
		return b.String() + "\n"
	}),
	recordCarrier("journald-verbose", func(i int, line []byte) string {
		return fmt.Sprintf("%s [s=ab;i=%x;b=c;m=d;t=e;x=f]\n    _TRANSPORT=stdout\n    MESSAGE=%s\n    _HOSTNAME=node3\n    SYSLOG_IDENTIFIER=scx_qmap\n    _PID=411\n",
			recordTime(i).Format("Mon 2006-01-02 15:04:05.000000 MST"), i, line)
	}),
	recordCarrier("journald-export", func(i int, line []byte) string {
		return fmt.Sprintf("__CURSOR=s=ab;i=%x\n__REALTIME_TIMESTAMP=%d\n_HOSTNAME=node3\nSYSLOG_IDENTIFIER=scx_qmap\n_PID=411\nMESSAGE=%s\n\n", i, recordTime(i).UnixMicro(), line)
	}),
	recordCarrier("docker-json", func(i int, line []byte) string {
		return fmt.Sprintf(`{"log":%s,"stream":"stderr","time":%q,"attrs":{"tag":"scx"}}`+"\n", quoted(string(line)+"\n"), recordTime(i).Format(time.RFC3339Nano))
	}),
	{Name: "dmesg-json", Stage: Logger, PlainOnly: true, Alone: true, Encode: func(b []byte) []byte {
		between := ""
		list := records(b, func(i int, line []byte) string {
			s := fmt.Sprintf("%s{\n         \"pri\": 6,\n         \"time\": %12.6f,\n         \"msg\": %s\n      }", between, 12+float64(i)/1e3, quoted(string(line)))
			between = ","
			return s
		})
		return fmt.Appendf(nil, "{\n   \"dmesg\": [\n      %s\n   ]\n}\n", list)
	}},
}

// recordCarrier is a logger that drops nothing.
func recordCarrier(name string, one func(i int, line []byte) string) Carrier {
	return Carrier{Name: name, Stage: Logger, PlainOnly: true, Alone: true, Encode: func(b []byte) []byte { return records(b, one) }}
}

// records makes a record of each line of a log.
func records(log []byte, one func(i int, line []byte) string) []byte {
	var out []byte
	i := 0
	for line := range bytes.Lines(log) {
		out = append(out, one(i, bytes.TrimSuffix(line, []byte("\n")))...)
		i++
	}
	return out
}

func recordTime(i int) time.Time {
	return time.Date(2026, 11, 27, 20, 24, 7, i*1000, time.UTC)
}

func journalObject(i int, line []byte) string {
	return fmt.Sprintf(`{"_PID":"411","MESSAGE":%s,"__REALTIME_TIMESTAMP":"%d","SYSLOG_IDENTIFIER":["scx_qmap"],"_HOSTNAME":"node3","PRIORITY":"6"}`,
		journalText(line), recordTime(i).UnixMicro())
}

// journalText is a value of the journal: a string, or its bytes if it is not text.
func journalText(b []byte) string {
	if utf8.Valid(b) && bytes.IndexFunc(b, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) < 0 {
		return quoted(string(b))
	}
	numbers := make([]int, len(b))
	for i, c := range b {
		numbers[i] = int(c)
	}
	return encoded(numbers)
}

func quoted(s string) string { return encoded(s) }

func encoded(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

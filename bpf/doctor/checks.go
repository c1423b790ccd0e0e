// SPDX-License-Identifier: GPL-2.0-only

package doctor

// check is an entry of the table: what is looked at, for which uses, and how.
type check struct {
	id, title string
	uses      []Use
	examine   func(*examination) result
}

// result is what came of a check. An error stops all that the check is for.
type result struct {
	status Status
	found  string
	fix    string
}

func well(found string) result         { return result{OK, found, ""} }
func skipped(found string) result      { return result{Skipped, found, ""} }
func warning(found, fix string) result { return result{Warning, found, fix} }
func wrong(found, fix string) result   { return result{Error, found, fix} }

// both is what record and live ask for alike.
var both = []Use{Record, Live}

// checks are all of them, in the order of the report: what stops most comes first.
var checks = []check{
	{"release", "kernel release", both, (*examination).checkRelease},
	{"arch", "architecture", both, (*examination).checkArch},
	{"sched-ext", "sched_ext", both, (*examination).checkSchedExt},
	{"config", "kernel options", both, (*examination).checkConfig},
	{"config-events", "tracing by BPF", both, (*examination).checkEvents},
	{"btf", "kernel types", both, (*examination).checkTypes},
	{"capabilities", "capabilities", both, (*examination).checkCapabilities},
	{"lockdown", "lockdown", both, (*examination).checkLockdown},
	{"realtime", "staying runnable", both, (*examination).checkRealtime},
	{"fentry", "tracing of functions", both, (*examination).checkFentry},
	{"sysrq", "SysRq-D", both, (*examination).checkSysRq},

	{"attach-points", "attach points", []Use{Record}, (*examination).checkPoints},
	{"samples", "samples", []Use{Record}, (*examination).checkSamples},
	{"catalogue", "catalogue", []Use{Record}, (*examination).checkCatalogue},
	{"tracefs", "tracefs", []Use{Record}, (*examination).checkTracefs},

	{"scheduler", "fit of the scheduler", []Use{Live}, (*examination).checkScheduler},
	{"vacancy", "other schedulers", []Use{Live}, (*examination).checkVacancy},
	{"addresses", "kernel addresses", []Use{Live}, (*examination).checkAddresses},
	{"config-cgroups", "cgroups in sched_ext", []Use{Live}, (*examination).checkCgroupCallbacks},
	{"cgroups", "cgroup v2", []Use{Live}, (*examination).checkCgroups},

	{"vm-arch", "architecture of guests", []Use{LiveVM}, (*examination).checkGuestArch},
	{"qemu", "QEMU", []Use{LiveVM}, (*examination).checkQEMU},
	{"vm-kernel", "kernel of guests", []Use{LiveVM}, (*examination).checkGuestKernel},
}

// Examine looks at a machine.
func Examine(m *Machine) *Report {
	e := newExamination(m)
	r := &Report{Release: e.release, Arch: m.Arch, Uses: Uses()}
	for _, c := range checks {
		got := c.examine(e)
		stops := []Use{}
		if got.status == Error {
			stops = c.uses
		}
		r.Checks = append(r.Checks, Check{
			ID: c.id, Title: c.title, Status: got.status, Found: got.found, Fix: got.fix, For: c.uses, Stops: stops,
		})
	}
	return r
}

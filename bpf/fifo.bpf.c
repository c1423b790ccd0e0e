//go:build ignore

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scheduler that knows nothing of scxdiag, for tests of the recorder: one queue,
 * first come first served. It keeps the kernel's text of its end, cut as the kernel
 * cuts it, so that it can be compared.
 */
#include "guard.bpf.h"
#include "kfunc.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define FIFO 1
#define TEXT_MAX (64 << 10)

u32 fifo_stall; /* take nothing from the queue any more */
u32 fifo_error; /* raise an error */
char fifo_text[TEXT_MAX];
u64 fifo_exits;

/* Without it, the kernel gives a task that wakes up to an idle CPU, past the queue. */
SEC("struct_ops")
s32 BPF_PROG(fifo_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return prev_cpu;
}

SEC("struct_ops")
void BPF_PROG(fifo_enqueue, struct task_struct *p, u64 enq_flags)
{
	if (fifo_error)
		scx_error("fifo: told to fail by %s[%d]", p->comm, p->pid);
	/* The kernel's watchdog is a kernel thread: it must not be what waits. */
	dsq_insert(p, p->flags & PF_KTHREAD ? SCX_DSQ_GLOBAL : FIFO, 20000000, enq_flags);
}

SEC("struct_ops")
void BPF_PROG(fifo_dispatch, s32 cpu, struct task_struct *prev)
{
	if (!fifo_stall)
		dsq_move_to_local(FIFO);
}

SEC("struct_ops.s")
s32 BPF_PROG(fifo_init)
{
	return scx_bpf_create_dsq(FIFO, -1);
}

SEC("struct_ops")
void BPF_PROG(fifo_exit, struct scx_exit_info *info)
{
	bpf_probe_read_kernel_str(fifo_text, sizeof(fifo_text), BPF_CORE_READ(info, dump));
	__sync_fetch_and_add(&fifo_exits, 1);
}

SEC(".struct_ops.link")
struct sched_ext_ops fifo_ops = {
	.select_cpu = (void *)fifo_select_cpu,
	.enqueue = (void *)fifo_enqueue,
	.dispatch = (void *)fifo_dispatch,
	.init = (void *)fifo_init,
	.exit = (void *)fifo_exit,
	.name = "fifo",
};

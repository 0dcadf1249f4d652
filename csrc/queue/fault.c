/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fault.h"

#include "clock.h"

void cdf_fault_note(struct cdf_faults *faults, enum cdf_fault_kind kind,
		    uint64_t count, int error)
{
	if (count == 0)
		return;
	faults->count[kind] += count;
	faults->error[kind] = error;
	faults->pending = true;
}

void cdf_faults_report(struct cdf_faults *faults, bool all)
{
	uint64_t now;

	if (!faults->pending)
		return;
	now = cdf_clock_now();
	faults->pending = false;
	for (int kind = 0; kind < CDF_FAULT_COUNT; kind++) {
		struct cdf_fault fault = { faults->queue,
					   (enum cdf_fault_kind)kind,
					   faults->error[kind],
					   faults->count[kind] };

		if (fault.count == 0)
			continue;
		if (!all && faults->reported[kind] != 0 &&
		    now - faults->reported[kind] < CDF_SECOND) {
			faults->pending = true;
			continue;
		}
		faults->count[kind] = 0;
		faults->reported[kind] = now;
		faults->report(faults->context, &fault);
	}
}

/*
 * interval: how long to wait between two snapshots (Tc) when the configuration
 * says "auto". Pure: no clock, no I/O, no state.
 *
 * The model. J. W. Young ("A first order approximation to the optimum
 * checkpoint interval", CACM 17(9), 1974) and J. T. Daly ("A higher order
 * estimate of the optimum checkpoint interval for restart dumps", FGCS 22,
 * 2006) choose Tc for a computation that loses, at a failure, all work since
 * its last checkpoint: with C the cost of a checkpoint and M the mean time
 * between failures, the loss per unit of time is C/Tc + Tc/(2M), least at
 *
 *     Young   Tc = sqrt(2 C M)
 *     Daly    Tc = sqrt(2 C M) (1 + sqrt(C/2M)/3 + (C/2M)/9) - C   for C < 2M
 *             Tc = M                                              otherwise
 *
 * A director loses no work: its journal has every change. A failure costs the
 * time to replay what the journal holds, on average half an interval of
 * changes. With l changes per second and r seconds to replay one, a second of
 * life costs p = l r seconds of replay (far below 1), and the loss per unit of
 * time is
 *
 *     C/Tc + (1/M) r l Tc/2  =  C/Tc + Tc / (2 M/p)
 *
 * which is the papers' with M/p in the place of M: failures that cost only the
 * part p of an interval weigh like full losses that are rarer by 1/p. So the
 * optimum is Daly's estimate for (C, M/p), close to Young's interval divided by
 * sqrt(p), and equal to the papers' own where p is 1.
 */
#ifndef CHECKPOINTD_INTERVAL_H
#define CHECKPOINTD_INTERVAL_H

#include "common/usec.h"
#include "ha/wire.h"

#define INTERVAL_LOWEST (1 * USEC_S)
#define INTERVAL_HIGHEST (3600 * USEC_S)

/* All in seconds, none negative. */
struct interval_in {
	double cost;   /* C: of one snapshot */
	double replay; /* r: of one change */
	double rate;   /* l: changes per second */
	double mtbf;   /* M: mean time between failures of an active director */
	double rows;   /* changes that the journal may hold */
};

struct interval_out {
	double young;   /* the papers', as if all since the snapshot were lost */
	double daly;
	double optimum; /* ours; INFINITY: nothing changes, or replay is free */
	usec_t chosen;
	enum tc_bound bound; /* lowest, highest: INTERVAL_...; rows: in->rows */
};

/* Daly's estimate, falling back to M where his series does not hold. */
double interval_daly(double cost, double mtbf);

/* Expected loss per second of life with an interval of tc seconds. */
double interval_loss(const struct interval_in *in, double tc);

void interval_choose(const struct interval_in *in, struct interval_out *ret);

/* The mean time between failures that a configured value and a history amount
 * to: `failures` in `watched` seconds. Without a failure: as configured. Else the
 * configured value counts as one failure in that time (the mean of a Gamma
 * posterior), so that one bad day does not outweigh a quiet year at once. */
double interval_mtbf(double configured, unsigned failures, double watched);

#endif

/*
 * sim_run: plays scenarios, as TAP: sim_run FILE..., or without arguments all
 * test/sim/NN-name.scn below the current directory.
 */
#include <glob.h>
#include <stdio.h>

#include "test/sim/scn.h"

int
main(int argc, char *argv[])
{
	glob_t g;
	size_t k;
	int i;

	for (i = 1; i < argc; i++)
		(void)scn_run(argv[i]);
	if (argc > 1)
		return scn_done();
	if (glob("test/sim/*.scn", 0, NULL, &g) != 0) {
		printf("Bail out! no test/sim/*.scn here\n");
		return 1;
	}
	for (k = 0; k < g.gl_pathc; k++)
		(void)scn_run(g.gl_pathv[k]);
	globfree(&g);
	return scn_done();
}

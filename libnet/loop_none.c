/* No back end of the platform's own: the loop runs over poll(2). */

#include "loop_impl.h"

const struct tcpk__backend *const	tcpk__backend_native = NULL;

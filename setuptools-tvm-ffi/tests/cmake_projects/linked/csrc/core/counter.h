#pragma once

// The number of calls so far, for all libraries.
long count_call();

// Files, console and exit for the firmware's main: io_semihosting.cc on a virtual board, io_host.cc natively.
#pragma once
#include <stdint.h>

namespace nb::firmware {

/// Exit status of the firmware.
enum ExitCode : int {
  kExitOk = 0,
  kExitInputOutput = 2,  ///< an "nb-error" line tells what failed
  kExitFault = 3,        ///< an "nb-fault" line tells where
};

/// Opens a file in the working directory of the virtual machine; `write` creates or truncates it. Below 0:
/// failed.
int open_file(const char* path, bool write);
/// Length in bytes, or below 0.
int file_length_bytes(int handle);
/// Reads or writes exactly `size_bytes`; false when fewer went through.
bool read_file(int handle, void* to, uint32_t size_bytes);
bool write_file(int handle, const void* from, uint32_t size_bytes);
void close_file(int handle);
/// Appends to the console.
void print(const char* text);
[[noreturn]] void leave(int exit_code);

/// Appends "<name>0x<hexadecimal digits>" for each name of `names`, which end in a zero each, the last being
/// empty; then a line break. Numbers need no division, so M0 links no division routine for them.
void print_line(const char* names, const uint32_t* values);

/// Bytes of stack ever used since the start, and bytes reserved. Both 0 where there is no painted stack
/// (host).
struct StackUse {
  uint32_t used_bytes;
  uint32_t reserved_bytes;
};
StackUse stack_use();
/// Bytes of stack between its top and the caller's frame; 0 on the host.
uint32_t stack_depth_bytes();

}  // namespace nb::firmware

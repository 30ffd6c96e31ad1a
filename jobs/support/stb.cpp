// The one place where stb's picture writer is compiled; its warnings are switched off in CMake.
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

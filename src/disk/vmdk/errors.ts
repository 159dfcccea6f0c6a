import { GvaError } from '../../system/errors.js';

export function corrupt(why: string, cause?: unknown): GvaError {
  return new GvaError('IMAGE_CORRUPT', `the VMDK image is damaged: ${why}`, { cause });
}

export function unsupported(what: string): GvaError {
  return new GvaError('IMAGE_UNSUPPORTED', `the VMDK image has what is not read here: ${what}`, {
    hint: 'What is read is one file of the type streamOptimized or monolithicSparse. Convert it with the tools of its maker, or by qemu-img convert (only an image that you trust).',
  });
}

export function noDescriptor(): GvaError {
  return unsupported('no descriptor, as in a part of a disk in several files');
}

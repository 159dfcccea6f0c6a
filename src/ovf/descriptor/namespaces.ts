import type { Envelope } from '../../model/envelope.js';

type Dialect = Envelope['dialect'];

/** Namespaces of envelopes. The one that ends with a slash is oVirt's, that of the 1.0 drafts old VirtualBox's. */
const ENVELOPES = new Map<string, Dialect>([
  ['http://www.vmware.com/schema/ovf/1/envelope', '0.9'],
  ['http://schemas.dmtf.org/ovf/1/envelope', '1'],
  ['http://schemas.dmtf.org/ovf/envelope/1', '1'],
  ['http://schemas.dmtf.org/ovf/envelope/1/', '1'],
  ['http://schemas.dmtf.org/ovf/envelope/2', '2'],
  ['http://schemas.dmtf.org/ovf/envelope/2/', '2'],
]);

export const OVIRT_NAMESPACE = 'http://schemas.dmtf.org/ovf/envelope/1/';
export const XSI_NAMESPACE = 'http://www.w3.org/2001/XMLSchema-instance';
export const VMWARE_NAMESPACE = 'http://www.vmware.com/schema/ovf';
/** Attributes that GVA writes on what is its own. */
export const GVA_NAMESPACE = 'urn:gva:appliance:1';

/** Namespaces of producers whose additions say nothing that a virtual machine could not do without. */
const PRODUCERS = [
  'http://www.vmware.com/',
  'http://www.virtualbox.org/',
  'http://schemas.citrix.com/ovf/',
  'http://www.citrix.com/',
  'http://schemas.oracle.com/',
  'http://www.ovirt.org/',
  'http://www.ibm.com/',
];

/** The dialect of an envelope in this namespace; undefined where it is none of OVF. */
export function dialectOf(namespace: string): Dialect | undefined {
  return ENVELOPES.get(namespace);
}

/** Names of OVF are qualified in OVF 1 and 2, those of elements within a 0.9 envelope are not. */
export function isOvf(namespace: string): boolean {
  return namespace === '' || ENVELOPES.has(namespace);
}

/** Names of settings (CIM_ResourceAllocationSettingData and its kin, of any edition). */
export function isCim(namespace: string): boolean {
  return namespace.includes('/wscim/');
}

export function isProducers(namespace: string): boolean {
  return !ENVELOPES.has(namespace) && PRODUCERS.some((start) => namespace.startsWith(start));
}

export { FileLayer } from '../transfer/file-layer.ts';

/** A dashboard as Grafana's own schema has it, and as it stands in a file: enumerations are their values. */
import type { AnnotationQuery, Dashboard, DataQuery, FieldConfigSource, Panel, VariableModel } from '@grafana/schema';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type {
  FieldConfig as SeriesFields,
  Options as SeriesOptions,
} from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type InFile<T> = T extends string
  ? `${T}`
  : T extends (infer Element)[]
    ? InFile<Element>[]
    : T extends object
      ? { [Key in keyof T]: InFile<T[Key]> }
      : T;

// What Grafana's data source of Prometheus has beside the schema's own.
type Query = DataQuery & { expr: string; legendFormat?: string; range?: boolean; instant?: boolean };
type Variable = VariableModel & { definition?: string };
type Annotation = Omit<AnnotationQuery, 'enable'> & { enable: boolean; expr: string; titleFormat: string };

/** The schema leaves open what belongs to a type of panel, and has it elsewhere. */
type PanelOf<Type extends string, Options, Fields> = Omit<Panel, 'type' | 'options' | 'targets' | 'fieldConfig'> & {
  type: Type;
  options: Partial<Options>;
  targets: Query[];
  fieldConfig: Omit<FieldConfigSource, 'defaults'> & {
    defaults: Omit<FieldConfigSource['defaults'], 'custom'> & { custom?: Partial<Fields> };
  };
};

export type GrafanaDashboard = InFile<
  Omit<Dashboard, 'panels' | 'templating' | 'annotations'> & {
    panels: (PanelOf<'stat', StatOptions, never> | PanelOf<'timeseries', SeriesOptions, SeriesFields>)[];
    templating: { list: Variable[] };
    annotations: { list: Annotation[] };
  }
>;
